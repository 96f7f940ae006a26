"""What makes it fast with many rows: the turns of a queue, counted as they happen."""

from alembic import op

from kalends.storage.migrations import sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    bind = op.get_bind()
    bind.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    bind.exec_driver_sql(sql("0005_turns_of_a_queue.sql"))
