"""Targets that are not this machine: how each is reached, and what its last check found."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

LOCAL = '{"kind": "local"}'
COLUMNS = {"spec": LOCAL, "state": "unchecked", "faults": "[]"}
"""The new columns, and what those targets get that are there: all are this machine."""


def upgrade() -> None:
    """Add the columns to `targets`."""
    with op.batch_alter_table("targets", table_kwargs={"sqlite_autoincrement": True}) as table:
        for name, value in COLUMNS.items():
            table.add_column(sa.Column(name, sa.Text(), nullable=False, server_default=value))
    with op.batch_alter_table("targets", table_kwargs={"sqlite_autoincrement": True}) as table:
        for name in COLUMNS:
            table.alter_column(name, server_default=None)
    op.execute("UPDATE targets SET state = 'good' WHERE machine IS NOT NULL")  # it was looked at, and answered
