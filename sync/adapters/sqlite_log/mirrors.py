"""Mirrors of scopes that had to make room on a full disk: how one goes, and how it may come back.

What this box wrote stays, with the whole of each entity that it wrote about: a round shows what was taken in it, and
what the hub has not signed for was never part of a mirror. The rest goes in short commits, each of which fits into the
little room there is; that the scope is not here is in the first. It stays one that this box holds, and begins anew from
a snapshot when it may. Source: protocol way/1, section 5.3.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sync.adapters.sqlite_log import bootstrap, copies
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.down import ZERO_E
from sync.adapters.sqlite_log.landing import leave
from sync.kernel.fact import Key
from sync.protocol.room import BLOBS, Harm, Holding, harm_of

ENTITIES_TOGETHER = 500
"""In one commit: nobody waits long behind it, and its pages fit into what the reserve gave back."""

_BYTES = "coalesce(sum(300 + 2 * length(e.state)), 0)"
"""About what entities take with their rows in other tables."""


class Gone(NamedTuple):
    """A mirror that is not here. `name`: its label, or `room.BLOBS`."""

    name: str
    at_ms: int
    entities: int


def holdings(store: ApplianceStore, at_work: Collection[str]) -> list[Holding]:
    """What of scopes lies here, half a snapshot by itself. `at_work`: as in `room.harm_of`."""
    with store.read() as conn:
        mirrors = conn.execute(
            f"SELECT m.label, {_BYTES} FROM member m JOIN entity e ON e.etype = m.etype AND e.key = m.key "
            "WHERE m.label NOT IN (SELECT label FROM let_go) GROUP BY m.label"
        ).fetchall()
        halves = conn.execute(
            "SELECT label, 2 * sum(length(raw)) FROM staged WHERE label NOT IN (SELECT label FROM let_go) "
            "GROUP BY label"
        ).fetchall()
    found = [Holding(label, size, harm_of(label, at_work)) for label, size in mirrors]
    return [*found, *(Holding(label, size, Harm.NONE) for label, size in halves)]


def let_go(store: ApplianceStore, holding: Holding) -> None:
    """Let a scope go. Raises Unavailable where even that finds no room; `finish` goes on from there."""
    label = holding.name
    with store.write(step="mirror.drop") as unit:
        conn = unit.conn
        count = conn.execute("SELECT count(*) FROM member WHERE label = ?", (label,)).fetchone()[0]
        conn.execute(
            "INSERT INTO let_go (label, at_ms, entities, bytes, harm) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (label, store.clock.wall_ms(), count, holding.bytes, holding.harm),
        )
        conn.execute(
            "UPDATE cursor SET epoch = 0, sseq = 0, e = ?, to_repair = 1, head_at = 0 WHERE label = ?", (ZERO_E, label)
        )
        bootstrap.unstage(conn, label)
    _empty(store, label)


def finish(store: ApplianceStore) -> None:
    """What a process that ended had begun."""
    for name in sorted(names(store)):
        _empty(store, name)


def note_blobs(store: ApplianceStore, count: int) -> None:
    """Large bytes went that the hub holds: told as long as room is short."""
    with store.write(step="mirror.drop") as unit:
        unit.conn.execute(
            "INSERT INTO let_go (label, at_ms, entities, bytes, harm) VALUES (?, ?, ?, 0, ?) ON CONFLICT (label) "
            "DO UPDATE SET at_ms = excluded.at_ms, entities = let_go.entities + excluded.entities",
            (BLOBS, store.clock.wall_ms(), count, Harm.A_SECOND_COPY),
        )


def may_return(store: ApplianceStore, name: str) -> None:
    """The next round may begin it anew."""
    with store.write(step="mirror.return") as unit:
        unit.conn.execute("DELETE FROM let_go WHERE label = ?", (name,))


def gone(conn: Connection) -> list[Gone]:
    """For the screen."""
    return [Gone(*row) for row in conn.execute("SELECT label, at_ms, entities FROM let_go ORDER BY label")]


def could_return(store: ApplianceStore) -> list[Holding]:
    """What waits for room. Nothing while a scope is still beginning: its room is spoken for."""
    with store.read() as conn:
        rows = conn.execute("SELECT label, bytes, harm FROM let_go").fetchall()
        begins = conn.execute(
            "SELECT 1 FROM cursor WHERE epoch = 0 AND label NOT IN (SELECT label FROM let_go) LIMIT 1"
        ).fetchone()
    return [] if begins else [Holding(row[0], row[1], Harm(row[2])) for row in rows]


def names(store: ApplianceStore) -> frozenset[str]:
    """Labels of scopes that are not here for want of room."""
    with store.read() as conn:
        return frozenset(row[0] for row in conn.execute("SELECT label FROM let_go WHERE label <> ?", (BLOBS,)))


def _empty(store: ApplianceStore, label: str) -> None:
    """Everything of the scope but what this box wrote about, some of it in each commit."""
    after: tuple[int, Key] = (-1, "")
    while True:
        with store.write(step="mirror.drop") as unit:
            conn = unit.conn
            some = conn.execute(
                "SELECT etype, key FROM member WHERE label = ? AND (etype, key) > (?, ?) ORDER BY etype, key LIMIT ?",
                (label, *after, ENTITIES_TOGETHER),
            ).fetchall()
            for etype, key in some:
                if not _wrote_about(conn, store.node, etype, key):
                    conn.execute("DELETE FROM member WHERE label = ? AND etype = ? AND key = ?", (label, etype, key))
                    leave(store, unit, etype, key)
        if len(some) < ENTITIES_TOGETHER:
            return
        after = (some[-1][0], some[-1][1])


def _wrote_about(conn: Connection, node: str, etype: int, key: Key) -> bool:
    """Whether a fact of this box is on the entity: waiting, in its copy, or inside its checkpoint."""
    row = conn.execute(
        "SELECT 1 FROM pending WHERE etype = ? AND key = ? UNION ALL "
        "SELECT 1 FROM copy_fact WHERE etype = ? AND key = ? AND node = ? LIMIT 1",
        (etype, key, etype, key, node),
    ).fetchone()
    if row is not None:
        return True
    point = copies.checkpoint(conn, etype, key)
    return point is not None and node.encode() in point.seen
