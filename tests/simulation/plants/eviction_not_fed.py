"""The hub tells nobody that an entity left a scope."""

from sync.adapters.sqlite_log import hub_feeds


def plant(patch):
    patch.edit(hub_feeds.Feeds, "evict", "self._put(unit, label, feed.EvictEntry(etype, key))", "pass")
