"""Run by Alembic. The connection, already in a transaction, comes from storage.migration.

For developers: ``python -c "from alembic import command; from storage.migration import config;
command.revision(config(), 'say what changes', rev_id='0002')"`` makes the next file to fill in.
"""

from alembic import context

from storage.schema import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite cannot alter a column: the table is rebuilt and renamed.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
