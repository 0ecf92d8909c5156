"""Everything that is kept: SQLAlchemy Core on SQLite or PostgreSQL.

`open_store` gives the implementation of `tagtide.ports.Store`; `maintenance` backs up, restores and
checks; `schema` upgrades. Importing this package alone imports none of them.
"""
