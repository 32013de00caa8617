"""A person is answered although the disk did not take the commit."""

from sync.adapters.sqlite_log import node_store


def plant(patch):
    patch.edit(
        node_store.NodeStore,
        "write",
        "raise told from fault",
        """if step == "act":
                    return
                raise told from fault""",
    )
