"""A copy whose membership was damaged stays when the sets are compared."""

from sync.adapters.sqlite_log import down

SCHEDULE = "copy_that_no_scope_holds"


def plant(patch):
    patch(down, "_of_no_scope", lambda conn: set())
