"""What a booking writes and nobody reads."""

from alembic import op

from kalends.storage.migrations import sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    bind = op.get_bind()
    bind.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    bind.exec_driver_sql(sql("0006_lean_bookings.sql"))
