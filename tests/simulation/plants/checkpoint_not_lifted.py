"""A fact is put on top of a row that is its own checkpoint, and the checkpoint is gone."""

from sync.adapters.sqlite_log import copies


def plant(patch):
    patch(copies, "lift", lift)


def lift(conn, etype, key):
    return
