"""A late fact travels as a fact though a checkpoint above it went out."""

from sync.adapters.sqlite_log import hub_feeds, landing


def plant(patch):
    patch.edit(hub_feeds.Feeds, "follow", "if order > row[0]:", "if True:")
    patch.edit(
        landing.Landing,
        "_take_fact",
        "(point and order_bytes(entry.order, fid, fact.sort_hlc) <= point.floor)",
        "False",
    )
