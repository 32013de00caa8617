"""Entities whose state was folded by a release that folds otherwise, or by none: they are to be folded again.

A fold that changes raises its type's `fold_version`; that is all a database needs to know of it.
"""

from __future__ import annotations

from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.copies import IS_CHECKPOINT
from sync.adapters.sqlite_log.landing import show
from sync.adapters.sqlite_log.node_store import NodeStore
from sync.catalog import ENTITY_TYPES
from sync.kernel.fact import Key

TOGETHER = 500


def unread(conn: Connection, limit: int) -> list[tuple[int, Key]]:
    """Up to `limit` of them; of a type that is not known here, none."""
    found: list[tuple[int, Key]] = []
    for number, etype in sorted(ENTITY_TYPES.items()):
        rows = conn.execute(
            "SELECT etype, key FROM entity WHERE etype = ? AND fold_version <> ? ORDER BY key LIMIT ?",
            (number, etype.fold_version, limit - len(found)),
        )
        found += [(row[0], row[1]) for row in rows]
    return found


def outdated(conn: Connection, label: str) -> list[tuple[int, Key]]:
    """Copies in this scope on a checkpoint of an older fold: only the hub can read what the checkpoint stands for.

    The hub tells them anew, but a cursor that jumps passes that by, and set hashes, being over facts, do not show it.
    """
    found: list[tuple[int, Key]] = []
    for number, etype in sorted(ENTITY_TYPES.items()):
        for table, which in (("copy", "1 = 1"), ("entity", IS_CHECKPOINT)):
            rows = conn.execute(
                f"SELECT e.etype, e.key FROM {table} e JOIN member m ON m.etype = e.etype AND m.key = e.key "
                f"WHERE m.label = ? AND e.etype = ? AND e.fold_version < ? AND {which} ORDER BY e.key",
                (label, number, etype.fold_version),
            )
            found += [(row[0], row[1]) for row in rows]
    return found


def read_again(store: NodeStore) -> int:
    """Fold them on a box from checkpoints, the facts above them and own ones. Returns how many there were.

    Scopes with outdated copies are to be repaired, because a cursor may have passed by what this release can read.
    A start that is cut short here goes on with the rest at the next one.
    """
    done = 0
    while True:
        with store.read() as conn:
            found = unread(conn, TOGETHER)
        if not found:
            return done
        with store.write(step="entities.reread") as unit:
            for etype, key in found:
                show(store, unit, etype, key, None)
            for (label,) in unit.conn.execute("SELECT label FROM cursor ORDER BY label").fetchall():
                if outdated(unit.conn, label):
                    unit.conn.execute("UPDATE cursor SET to_repair = 1 WHERE label = ?", (label,))
        done += len(found)
