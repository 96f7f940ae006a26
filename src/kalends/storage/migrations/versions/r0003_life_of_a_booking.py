"""Group seats, holds, provisional bookings, queues, resources, series, one-time links, the change feed."""

from alembic import op

from kalends.storage.migrations import sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    bind = op.get_bind()
    bind.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    bind.exec_driver_sql(sql("0003_life_of_a_booking.sql"))
