"""Editions: what calendars are asked of, marked so that it can be kept."""

from alembic import op

from kalends.storage.migrations import sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    bind = op.get_bind()
    bind.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    bind.exec_driver_sql(sql("0004_editions.sql"))
