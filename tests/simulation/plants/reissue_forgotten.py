"""A box that is told to issue facts again gives them up."""

from sync.adapters.sqlite_log import thawing


def plant(patch):
    patch.edit(thawing, "obey", "(order.choice == REISSUE or not order.upto < seq <= order.lost) and", "False and")
