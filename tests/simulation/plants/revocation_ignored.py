"""The hub takes facts of a machine that was shut out."""

from sync.adapters.sqlite_log import hub_inbound


def plant(patch):
    patch.edit(hub_inbound, "_place", "standing[0] not in COUNTING", "False")
