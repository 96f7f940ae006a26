"""Companies, users, meeting types, appointments, claims, events."""

from alembic import op

from kalends.storage.migrations import sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    bind = op.get_bind()
    bind.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    bind.exec_driver_sql(sql("0001_foundation.sql"))
