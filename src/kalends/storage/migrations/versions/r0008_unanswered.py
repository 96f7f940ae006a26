"""What nobody answered for."""

from alembic import op

from kalends.storage.migrations import sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    bind = op.get_bind()
    bind.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    bind.exec_driver_sql(sql("0008_unanswered.sql"))
