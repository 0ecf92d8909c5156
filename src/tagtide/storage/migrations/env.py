"""Runs the migrations on the connection, and in the transaction, of the caller."""

from alembic import context

from tagtide.storage.schema import VERSION_TABLE
from tagtide.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
