"""The end of a stream is moved on before the commit that may fail."""

from sync.adapters.sqlite_log import node_store


def plant(patch):
    patch.edit(
        node_store.NodeStore,
        "write",
        'self.point(f"{step}:before")',
        'self._heads.update(unit.heads); self.point(f"{step}:before")',
    )
