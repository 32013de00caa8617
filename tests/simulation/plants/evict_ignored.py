"""A box keeps what left its scope."""

from sync.adapters.sqlite_log import landing


def plant(patch):
    patch(landing.Landing, "leave", leave)


def leave(self, label, name):
    return
