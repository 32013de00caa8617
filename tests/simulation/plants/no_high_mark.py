"""Stamps follow the wall clock wherever it goes."""

from sync.adapters.sqlite_log import node_store


def plant(patch):
    patch.edit(node_store.NodeStore, "_next_stamp", "hlc.next_stamp(unit.high, wall)", "hlc.next_stamp(0, wall)")
