"""The hub keeps a second history as evidence and does not stop the stream."""

from sync.adapters.sqlite_log import hub_inbound


def plant(patch):
    patch.edit(
        hub_inbound, "_join", 'conn.execute("UPDATE stream SET state = ? WHERE id = ?", (FROZEN, stream))', "pass"
    )
