"""A box goes on showing what the hub rejected."""

from sync.adapters.sqlite_log import outbox


def plant(patch):
    patch.edit(outbox, "_set_aside", "conn = unit.conn", "return")
