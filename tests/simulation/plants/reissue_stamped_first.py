"""A fact that is issued again is stamped before the opening of its lane."""

from sync.adapters.sqlite_log import node_store


def plant(patch):
    patch.edit(
        node_store.NodeStore,
        "issue_again",
        "stamp, clock = self._next_stamp(unit)",
        "stamp, clock = (unit.high - 1 if head.last == 1 else self._next_stamp(unit)[0]), 1",
    )
