"""After a raised epoch: first the boxes give back what this hub lost, and only then does it say where feeds stand.

Otherwise copies on the wards would step back to the backup's day and forward again while their own facts come in.
It ends when every machine that was seen in the hour before has drained, or after 15 minutes.
Source: protocol way/1, section 5.6.
"""

from __future__ import annotations

import threading

from sync.adapters.sqlite_log.database import Connection
from sync.adapters.sqlite_log.hub_store import HubStore
from sync.adapters.sqlite_log.node_store import set_meta
from sync.kernel import canonical
from sync.kernel.limits import REFILL_S_MAX, REFILL_SEEN_S
from sync.kernel.outcome import PeerFault
from sync.protocol import message
from sync.protocol.hello import Hello

GIVING = ("known", "rewound")
"""States of a machine whose facts count; nobody waits for the others."""


def begin(conn: Connection, epoch: int) -> None:
    """In the transaction that writes the raised epoch."""
    seen = conn.execute("SELECT coalesce(max(seen_at), 0) FROM node").fetchone()[0]
    set_meta(conn, "refill_epoch", epoch)
    set_meta(conn, "refill_seen_ms", int(seen))


def is_refilling(store: HubStore) -> bool:
    """What the database says: for workers, who leave its end to the first one."""
    return int(store.meta("refill_epoch") or 0) != 0


class Refill:
    """One a hub process. A restart in the middle begins the 15 minutes anew."""

    def __init__(self, store: HubStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._epoch = 0
        self._since_s = 0.0

    def keeps_back(self) -> bool:
        """Whether heads are kept back. Cheap: asked for every head."""
        return self._epoch != 0

    def look(self) -> bool:
        """Notice a raise, and its end. True once, when heads may be told again: all of them."""
        with self._lock:
            wanted = self._store.meta_int("refill_epoch")
            now_s = self._store.clock.mono_s()
            if wanted != self._epoch:
                self._epoch, self._since_s = wanted, now_s
            if not wanted or (now_s - self._since_s < REFILL_S_MAX and self.waits_for()):
                return False
            with self._store.write(step="refill.end") as unit:
                set_meta(unit.conn, "refill_epoch", 0)
            self._epoch = 0
            return True

    def waits_for(self) -> list[str]:
        """Machines seen in the hour before the raise that have not given back everything."""
        with self._store.read() as conn:
            row = conn.execute("SELECT value FROM meta WHERE name = 'refill_seen_ms'").fetchone()
            after = (0 if row is None else int(row[0])) - round(REFILL_SEEN_S * 1000)
            rows = conn.execute(
                "SELECT node, hello FROM node WHERE state IN (?, ?) AND seen_at > 0 AND seen_at >= ? ORDER BY node",
                (*GIVING, after),
            ).fetchall()
            return [node for node, raw in rows if not self._drained(conn, node, raw)]

    def _drained(self, conn: Connection, node: str, raw: bytes | None) -> bool:
        if raw is None:
            return False
        try:
            header = message.parse_short_header(raw)
            hello = Hello.read(canonical.decode(raw[message.SIGNED_BYTES :]))
        except PeerFault:
            return True
        if header.epoch < self._store.epoch:
            return False
        held = {
            (row[0], row[1]): row[2]
            for row in conn.execute("SELECT incarnation, lane, last FROM stream WHERE node = ?", (node,))
        }
        return all(held.get((each.incarnation, each.lane), 0) >= each.last for each in hello.streams)
