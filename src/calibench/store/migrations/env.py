"""What alembic runs: revisions on the connection that `upgrading.py` hands over."""

from alembic import context

from calibench.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,  # SQLite changes a column only by making the table anew
    transactional_ddl=True,  # all revisions or none; both databases can
)
with context.begin_transaction():
    context.run_migrations()
