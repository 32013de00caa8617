"""What a box says, made from its store at the moment of sending: hellos, batches of facts, old receipts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from appliance.link.trust_book import TrustBook
from sync.adapters.leases import box_tables
from sync.adapters.sqlite_log import down, outbox
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.database import Connection
from sync.adapters.sqlite_log.outbox import Mark, MarkOutcome
from sync.adapters.sqlite_log.streams import Link
from sync.catalog import schema_digest
from sync.kernel import hlc
from sync.kernel.ids import StreamId
from sync.kernel.limits import CUT_FACTS
from sync.protocol import message
from sync.protocol.ack import Ack, acked_digest
from sync.protocol.batch import Item, Withheld, make_batch
from sync.protocol.events import OwnStream
from sync.protocol.hello import DEVICES_MAX, STREAMS_MAX, Hello, HelloDevice, HelloStream, cursors_digest, leases_digest
from sync.protocol.lease import Ask
from sync.protocol.outbound import FACT_BYTES_A_BATCH

ENDED_NAMED = 4
"""Complete streams that a hello names so that the hub says how far they are safe; it stays small."""

Lane = tuple[int, int]
"""(incarnation, lane): an own stream."""


class Letters:
    """Reads the store, signs with the box's key, seals to the hub's."""

    def __init__(
        self,
        store: ApplianceStore,
        book: TrustBook,
        software: str,
        devices: Callable[[], Iterable[HelloDevice]] = tuple,
        free_bytes: Callable[[], int] = lambda: 0,
    ) -> None:
        """For its hellos: `devices` hang on this box now, `free_bytes` are left on its disk."""
        self._devices = devices
        self._free_bytes = free_bytes
        self._store = store
        self._book = book
        self._software = software
        self._named: dict[Lane, outbox.OwnStream] = {}
        self._foreseen: tuple[object, bytes] | None = None

    def hello(self, number: int, incarnation: int | None = None) -> bytes:
        """Who this is and how far each stream and scope stands. `incarnation`: another than the running process's."""
        store = self._store
        hasher = store.suite.hasher
        streams = outbox.own_streams(store)[: STREAMS_MAX - ENDED_NAMED]
        streams += outbox.ended_unsafe(store, ENDED_NAMED)
        body = Hello(
            software=self._software,
            incarnation=incarnation or store.incarnation,
            number=number,
            streams=tuple(HelloStream(s.incarnation, s.lane, s.last, s.acked, s.oldest_kept) for s in streams),
            acked_digest=acked_digest(hasher, [s.acked_h for s in streams]),
            cursors_digest=cursors_digest(hasher, ((c.label, c.epoch, c.sseq, c.e) for c in down.cursors(store))),
            trust_version=self._book.version,
            scope_version=store.meta_int("scope_version"),
            leases_digest=self._leases(),
            clock=store.clock_quality(store.believed_wall_ms() is not None),
            free_mib=self._free_bytes() >> 20,
            backlog_bytes=self._backlog(),
            schema_digest=schema_digest(),
            devices=tuple(self._devices())[:DEVICES_MAX],
        ).body()
        return self._book.say(message.HELLO, body, store.meta_int("hub_epoch"))

    def _backlog(self) -> int:
        with self._store.read() as conn:
            return outbox.backlog_bytes(conn)

    def _leases(self) -> bytes:
        with self._store.read() as conn:
            held = [kept.held.lease.id for kept in box_tables.open_leases(conn)]
        return leases_digest(self._store.suite.hasher, held)

    def ask(self, ask: Ask) -> bytes:
        """A question about a lease."""
        return self._book.say(message.ASK, ask.body(), self._store.meta_int("hub_epoch"))

    def batch(
        self, stream: Lane, first: int, facts_max: int = CUT_FACTS, bytes_max: int = FACT_BYTES_A_BATCH
    ) -> tuple[bytes, int] | None:
        """(message, last seq) of the facts from `first` on; None when nothing is there to send."""
        own = self.stream(stream)
        if own is None:
            return None
        cut = outbox.cut(self._store, own, first, facts_max=facts_max, bytes_max=bytes_max)
        if cut is None:
            return None
        foreseen, self._foreseen = self._foreseen, None
        raw = foreseen[1] if foreseen is not None and foreseen[0] == self._all_of(cut) else self._seal(cut)
        return raw, first + len(cut.items) - 1

    def foresee(self, stream: Lane, links: Sequence[Link]) -> None:
        """Seal what a commit is about to keep, while the disk takes it. It leaves only where the log then says so too.

        `links`: facts in a row of a stream of the running process.
        """
        facts = tuple(link.fact for link in links)
        name, first, last = StreamId(self._store.node, *stream), links[0], links[-1]
        cut = outbox.Cut(name, first.seq, first.before, facts, frozenset(), last.h, backlog=False)
        self._foreseen = self._all_of(cut), self._seal(cut)

    def _all_of(self, cut: outbox.Cut) -> tuple[object, ...]:
        """All that a sealed batch depends on."""
        return cut, self._book.seal_to, self._book.keys.key_id

    def _seal(self, cut: outbox.Cut) -> bytes:
        items: tuple[Item, ...] = cut.items
        if cut.withheld:
            items = tuple(Withheld(item) if i in cut.withheld else item for i, item in enumerate(cut.items))
        return make_batch(
            node=cut.stream.node,
            incarnation=cut.stream.incarnation,
            lane=cut.stream.lane,
            first=cut.first,
            prev_hash=cut.prev_hash,
            items=items,
            signing_key=self._book.keys.signing,
            key_id=self._book.keys.key_id,
            hub_seal_key=self._book.seal_to,
            head_hash=cut.head_hash,
            backlog=cut.backlog,
            suite=self._book.keys.suite,
        )

    def stream(self, stream: Lane) -> outbox.OwnStream | None:
        """An own stream as it stood when it was first asked for; None when it was complete and of an earlier start."""
        if stream not in self._named:
            self._named |= {(each.incarnation, each.lane): each for each in outbox.own_streams(self._store)}
        return self._named.get(stream)

    def streams(self) -> tuple[OwnStream, ...]:
        """Own streams with unacknowledged facts and the current ones, as the session sees them."""
        rows = outbox.own_streams(self._store)
        return tuple(OwnStream(s.incarnation, s.lane, s.last, s.acked, s.state) for s in rows)

    def apply(self, ack: Ack, raw: bytes, *, welcome: bool) -> tuple[list[MarkOutcome], int]:
        """Take an acknowledgement into the store, in one commit; also how many own facts wait after it."""
        marks = [Mark(s.incarnation, s.lane, s.upto, s.h, s.state, s.rejects, s.safe) for s in ack.streams]
        found: list[int] = []

        def look(conn: Connection) -> None:
            written, signed = outbox.ledger(conn)
            found.append(written - signed)

        return outbox.apply_marks(self._store, marks, hlc.ms_of(ack.hub_time), raw, welcome=welcome, look=look), found[
            0
        ]
