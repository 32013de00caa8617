"""The hub takes facts under a key that is over."""

from sync.adapters.sqlite_log import hub_keys


def plant(patch):
    patch(hub_keys.NodeKey, "counts", lambda self, now_ms: True)
