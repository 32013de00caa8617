"""A box takes an entity in without noting the scope it came by."""

from sync.adapters.sqlite_log import landing

FOUND_AT = 0


def plant(patch):
    patch(landing.Landing, "join", lambda self, label, name: None)
