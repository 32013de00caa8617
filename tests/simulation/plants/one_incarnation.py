"""Every start of a process takes the same number."""

from sync.adapters.sqlite_log import node_store


def plant(patch):
    patch.edit(
        node_store.NodeStore,
        "start_incarnation",
        "incarnation_from(self.entropy.bytes(8))",
        'incarnation_from(b"12345678")',
    )
