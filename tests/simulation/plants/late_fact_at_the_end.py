"""The hub folds a late fact as if it were the newest."""

from sync.adapters.sqlite_log import digest


def plant(patch):
    patch.edit(digest, "_take", "if order > last_key:", "if True:")
