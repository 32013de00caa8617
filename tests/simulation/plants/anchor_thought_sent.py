"""The hub waits for the oldest fact that a box keeps, which nothing stands before any more."""

from sync.adapters.sqlite_log import hub_holes

SCHEDULE = "hole_of_one_fact"


def plant(patch):
    patch.edit(hub_holes, "_compare", "hole = one.oldest_kept > last and", "hole = one.oldest_kept > last + 1 and")
