"""Entities past retention or shredded: they leave every feed, and what comes for them until then is set aside.

Their facts stay in the log, or as digests, so that chains go on; nothing folds or feeds them. A hub that was put back
may have forgotten that it forgot: whoever decides what is past retention says it again.
Source: protocol way/1, sections 3.5 and 6.3.
"""

from __future__ import annotations

from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.hub_feeds import Feeds
from sync.adapters.sqlite_log.hub_store import HubStore
from sync.adapters.sqlite_log.node_store import Change
from sync.kernel.fact import Key

REFUSED = "entity.gone"
"""Why a fact about such an entity is set aside."""


def forget(store: HubStore, feeds: Feeds, etype: int, key: Key, until: int) -> frozenset[str] | None:
    """Delete an entity everywhere and take nothing more for it before `until` (hub HLC); labels of scopes that moved.

    None: another worker digests, and feeds are written by that one alone.
    """
    turn = store.digest_turn()
    if turn is None:
        return None
    feeds.take_turn(turn)
    try:
        with store.write(step="entity.forget") as unit:
            conn = unit.conn
            conn.execute(
                "INSERT INTO gone (etype, key, until) VALUES (?, ?, ?) ON CONFLICT (etype, key) "
                "DO UPDATE SET until = excluded.until WHERE gone.until < excluded.until",
                (etype, key, until),
            )
            held = conn.execute("SELECT x FROM entity WHERE etype = ? AND key = ?", (etype, key)).fetchone()
            if held is None:
                return frozenset()
            labels = feeds.labels_of(conn, etype, key)
            feeds.load(conn, labels)
            for label in sorted(labels):
                feeds.gone(unit, label, etype, key, held[0], until)
            for table in ("entity_fact", "entity"):
                conn.execute(f"DELETE FROM {table} WHERE etype = ? AND key = ?", (etype, key))
            change = Change(etype, key, "hub")
            unit.changes.append(change)
            store.project(conn, None, change)
            return feeds.flush(unit)
    except BaseException:
        feeds.forget()
        raise


def any_gone(conn: Connection) -> bool:
    """Whether there is anything of the kind: asked once a run, so that a hub without any pays nothing more."""
    return conn.execute("SELECT 1 FROM gone LIMIT 1").fetchone() is not None


def is_gone(conn: Connection, etype: int, key: Key, hub_hlc: int) -> bool:
    """Whether what came at this hub time came for an entity that is to stay forgotten."""
    row = conn.execute("SELECT until FROM gone WHERE etype = ? AND key = ?", (etype, key)).fetchone()
    return row is not None and row[0] > hub_hlc
