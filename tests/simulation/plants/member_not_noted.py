"""A box takes an entity in without noting the scope it came by."""

from sync.adapters.sqlite_log import landing


def plant(patch):
    patch(landing.Landing, "join", lambda self, label, name: None)
