"""Feeds that another worker has written since go on from what this one remembers."""

from sync.adapters.sqlite_log.hub_feeds import Feeds


def plant(patch):
    patch(Feeds, "take_turn", lambda self, turn: None)
