"""The store of a box: own facts folded at once, the hub's feeds beside them, an outbox until the hub has signed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from sync.adapters.sqlite_log import copies, unread
from sync.adapters.sqlite_log.connection import WAL_PAGES, DatabaseError
from sync.adapters.sqlite_log.node_store import Change, NodeStore, Unit
from sync.adapters.sqlite_log.order import order_bytes
from sync.adapters.sqlite_log.streams import LaneHead, Link
from sync.catalog import ENTITY_TYPES, KINDS, fold_fact
from sync.kernel import hlc
from sync.kernel.canonical import decode
from sync.kernel.fact import Fact
from sync.kernel.ids import FactId
from sync.kernel.outcome import Unavailable

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
        self._told_hub: tuple[int, float] | None = None
        self._newest: tuple[Link, ...] = ()
        self._foretell: Callable[[int, Sequence[Link]], None] | None = None

    def newest(self, stream: int, first: int, most: int) -> list[Link]:
        """Facts of an own stream from `first` on, if the last commit wrote them and they are all: nothing is read.

        Any later commit, which may have changed what is to be said of them, ends it.
        """
        links = [link for link in self._newest if link.stream == stream and link.seq >= first]
        return links[:most] if links and links[0].seq == first else []

    def foretell(self, call: Callable[[int, Sequence[Link]], None]) -> None:
        """`call(lane, links)` just before the commit of facts of one lane. It may fail yet: nobody may rely on them.

        `call` must only set an event: it runs inside the writer's lock, and a person waits for the commit.
        """
        self._foretell = call

    def _committing(self, unit: Unit) -> None:
        if self._foretell is not None and len(unit.heads) == 1 and unit.written:
            self._foretell(next(iter(unit.heads)), unit.written)

    def _committed(self, unit: Unit) -> None:
        self._newest = tuple(unit.written)

    def told_hub_time(self, hub_ms: int) -> None:
        """Hub time now, at the latest: the hub's word and the time it took to come. A clock ahead of it yields."""
        self._told_hub = (hub_ms, self.clock.boot_s())

    def hub_now_ms(self) -> int | None:
        """Hub time now by the boot clock; None when the hub was not heard in time since the start."""
        if self._told_hub is None:
            return None
        return self._told_hub[0] + round((self.clock.boot_s() - self._told_hub[1]) * 1000)

    def believed_wall_ms(self) -> int | None:
        """The wall clock where it can be true; hub time, carried on, where it is more than 5 minutes ahead of that."""
        wall, hub_ms = super().believed_wall_ms(), self.hub_now_ms()
        return hub_ms if hub_ms is not None and wall is not None and hlc.is_ahead(wall, hub_ms) else wall

    def amended_high(self) -> int | None:
        """Where stamps are to go on, when they run more than 5 minutes ahead of hub time; None when they do not."""
        hub_ms = self.hub_now_ms()
        return None if hub_ms is None or not hlc.is_ahead(hlc.ms_of(self.high), hub_ms) else hlc.stamp_of(hub_ms)

    def heard_hub_time(self, hub_ms: int) -> None:
        """A signed hub time raises the floor of the wall clock and makes stamps `synchronised` for 24 h."""
        self._hub_time_ms = max(self._hub_time_ms, hub_ms)
        self._synchronised_until_boot_s = self.clock.boot_s() + SYNCHRONISED_MS / 1000

    def clock_quality(self, believed: bool) -> int:
        if not believed:
            return 0
        return 2 if self.clock.boot_s() < self._synchronised_until_boot_s else 1

    def start_incarnation(self, software: str, why: str = "start", high: int | None = None) -> None:
        """As for every node; what another release folded is folded again first."""
        unread.read_again(self)
        super().start_incarnation(software, why, high)

    def begin_again(self, why: str, high: int | None = None) -> None:
        """End the running incarnation and open the next one in this process: its streams may not go on.

        `high`: as in `start_incarnation`.
        """
        with self._lock:
            before = (self.incarnation, self._heads, self._why)
            self.incarnation, self._heads, self._why = 0, {}, why
            try:
                self.start_incarnation(self._software, why, high)
            except BaseException:
                self.incarnation, self._heads, self._why = before
                raise

    @contextmanager
    def checkpointing_after(self) -> Iterator[None]:
        """A large unit inside is committed and told first, and its pages are worked into the file then."""
        with self._lock:
            self._writer().execute("PRAGMA wal_autocheckpoint = 0")
        try:
            yield
        finally:
            # Where the disk refuses, the next commit tries again, as always; a new connection begins as always, too.
            with self._lock, suppress(DatabaseError, Unavailable):
                conn = self._writer()
                conn.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
                conn.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def give_back(self) -> None:
        """Much was deleted: the room that it left in the file goes back to the disk."""
        with self._lock:
            self._database.give_back(self._writer())

    def make_shrinkable(self) -> bool:
        """Before work begins: whether a file of an older release was written anew, so that it can give room back."""
        with self._lock:
            return self._database.make_shrinkable(self._writer())

    def after_fact(self, unit: Unit, head: LaneHead, fid: FactId, fact: Fact, row: Sequence[Any] | None) -> None:
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
