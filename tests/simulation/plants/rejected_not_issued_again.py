"""What a hub that was put back since had rejected is not issued again."""

from sync.adapters.sqlite_log import thawing


def plant(patch):
    patch.edit(thawing, "obey", "if status == WITHHELD:", "if status != OPEN:")
