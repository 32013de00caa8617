"""A hub that is put back leaves its own later facts at the backup place."""

from hub.backup import own


def plant(patch):
    patch(own, "read_back", lambda folder, store, keys: 0)
