"""The hub's tables in PostgreSQL, for a hub that has outgrown one machine.

The statements are those of `sync/adapters/sqlite_log`; this room only translates. `DESIGN.md` there tells both.
"""
