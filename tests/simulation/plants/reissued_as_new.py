"""What shares its number with another fact at the hub is issued again as a new fact."""

from sync.adapters.sqlite_log.node_store import NodeStore


def plant(patch):
    patch.edit(NodeStore, "issue_again", "old.reissue_of or (*place, h, old.hlc)",
               "(old.reissue_of or (*place, h, old.hlc)) if same else None")  # fmt: skip
