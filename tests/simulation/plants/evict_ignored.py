"""A box keeps what left its scope."""

from sync.adapters.sqlite_log import landing

FOUND_AT = 11


def plant(patch):
    patch(landing.Landing, "leave", leave)


def leave(self, label, name):
    return
