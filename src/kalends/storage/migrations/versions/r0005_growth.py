"""What keeps it fast with many rows: no claim is endless, and the turns of a queue are counted as they happen."""

from alembic import op

from kalends.storage.migrations import sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    bind = op.get_bind()
    bind.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    bind.exec_driver_sql(sql("0005_growth.sql"))
