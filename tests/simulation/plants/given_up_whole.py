"""A box that is told to give up what was signed as lost gives up what it wrote since as well."""

from sync.adapters.sqlite_log import thawing


def plant(patch):
    patch.edit(thawing, "obey", "or not order.upto < seq <= order.lost", "or False")
