"""Projections are query tables over the entities: this drops nothing a fact does not bring back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from provisioning.cli.look import is_hub, refuse_running
from provisioning.making.places import database_of
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SystemEntropy
from sync.adapters.keys import load_key
from sync.adapters.sqlite_log.node_store import Change, NodeStore, Projector
from sync.catalog import ENTITY_TYPES
from sync.kernel.canonical import decode


def rebuild(directory: Path) -> dict[str, Any]:
    """Project every entity of a stopped node again. `same`: no table differed byte for byte before and after."""
    refuse_running(directory)
    key = load_key(directory / "keys" / "store.key")
    from provisioning.cli import look

    with look.database(directory) as conn:
        hub = is_hub(conn)
    store = _open(hub, directory, key)
    try:
        tables = [t for p in store.projectors for t in tables_of(p)]
        with store.write() as unit:
            before = {t: content(unit.conn, t) for t in tables}
            for table in tables:
                unit.conn.execute(f"DELETE FROM {table}")
            rows = unit.conn.execute("SELECT etype, key, state FROM entity ORDER BY etype, key").fetchall()
            for etype, name, state in rows:
                if etype not in ENTITY_TYPES or not state:
                    continue
                store.project(unit.conn, ENTITY_TYPES[etype].load(decode(state)), Change(etype, name, "rebuild"))
            same = all(content(unit.conn, t) == before[t] for t in tables)
    finally:
        store.close()
    return {"entities": len(rows), "tables": len(tables), "same": same}


def _open(hub: bool, directory: Path, key: bytes) -> NodeStore:
    from sync.adapters.sqlite_log.appliance_store import ApplianceStore
    from sync.adapters.sqlite_log.hub_store import HubStore

    projectors: list[Projector]
    if hub:
        from hub.projections import folded_projectors as projectors_of_hub

        projectors = projectors_of_hub(key)
    else:
        from appliance.projections import folded_projectors as projectors_of_box
        from provisioning.trust.node_keys import suite_in

        projectors = projectors_of_box(suite_in(directory / "keys"))
    kind = HubStore if hub else ApplianceStore
    return kind(
        directory / "data" / "node.db",
        key,
        node="rebuild",
        role="hub",
        clock=SystemClock(),
        entropy=SystemEntropy(),
        projectors=projectors,
        database=database_of(directory),
    )


def tables_of(projector: Projector) -> list[str]:
    """Tables that a projector fills from folded states alone, as it names them in `derived`."""
    return list(getattr(projector, "derived", ()))


def content(conn: Any, table: str) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in conn.execute(f"SELECT * FROM {table}")), key=repr)
