"""The store of a box: own facts folded at once, the hub's feeds beside them, an outbox until the hub has signed."""

from __future__ import annotations

from sync.adapters.sqlite_log import copies
from sync.adapters.sqlite_log.node_store import Change, NodeStore, Unit
from sync.adapters.sqlite_log.order import order_bytes
from sync.adapters.sqlite_log.streams import LaneHead
from sync.catalog import ENTITY_TYPES, KINDS, fold_fact
from sync.kernel.canonical import decode
from sync.kernel.fact import Fact
from sync.kernel.ids import FactId

SYNCHRONISED_MS = 24 * 3600 * 1000


class ApplianceStore(NodeStore):
    """Writes are folded and projected in the transaction that appends them: what a person sees is durable."""

    schemas = ("schema_node.sql", "schema_appliance.sql")
    source = "own"

    def floor_ms(self) -> int:
        return self._hub_time_ms

    def _load(self) -> None:
        super()._load()
        self._hub_time_ms = self.meta_int("hub_time_ms")
        self._synchronised_until_boot_s = 0.0

    def heard_hub_time(self, hub_ms: int) -> None:
        """A signed hub time raises the floor of the wall clock and makes stamps `synchronised` for 24 h."""
        self._hub_time_ms = max(self._hub_time_ms, hub_ms)
        self._synchronised_until_boot_s = self.clock.boot_s() + SYNCHRONISED_MS / 1000

    def clock_quality(self, believed: bool) -> int:
        if not believed:
            return 0
        return 2 if self.clock.boot_s() < self._synchronised_until_boot_s else 1

    def after_fact(self, unit: Unit, head: LaneHead, fid: FactId, fact: Fact, raw: bytes) -> None:
        kind = KINDS.get(fact.kind)
        etype = ENTITY_TYPES.get(fact.etype)
        change = Change(fact.etype, fact.key, "own", fid, fact)
        unit.changes.append(change)
        if etype is None or kind is None or not kind.folded:
            return
        conn = unit.conn
        conn.execute(
            "INSERT INTO pending (etype, key, stream, seq) VALUES (?, ?, ?, ?)",
            (fact.etype, fact.key, head.stream, head.last),
        )
        row = conn.execute(
            "SELECT rev, d, x, last_key, state FROM entity WHERE etype = ? AND key = ?", (fact.etype, fact.key)
        ).fetchone()
        annotation = copies.pending_annotation(fact, 0)
        order = order_bytes(annotation.order, fid, fact.sort_hlc)
        if row is None:
            shown = copies.Shown(fold_fact(etype.number, etype.initial(), fact, fid, annotation), order, 0)
            copies.put_entity(conn, fact.etype, fact.key, 0, copies.ZERO16, copies.ZERO16, shown)
        else:
            if order > row[3]:
                state = fold_fact(etype.number, etype.load(decode(row[4])), fact, fid, annotation)
                shown = copies.Shown(state, order, row[0])
            else:
                refolded = copies.refold(conn, fact.etype, fact.key)
                assert refolded is not None
                shown = refolded
            copies.put_entity(conn, fact.etype, fact.key, row[0], row[1], row[2], shown)
        self.project(conn, shown.state, change)
