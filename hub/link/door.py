"""The one door for what nodes send, whichever carrier brought it.

Order of checks: caps and header, node and key, then everything that costs work, then the stream's position, in the
commit that keeps the facts. The answer is a signed cumulative acknowledgement; only it frees a fact at its writer.
Of what is refused nothing stays but a number. Source: protocol way/1, sections 4.4-4.6.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from hub.link.credits import Credits
from hub.link.greeting import Certify, Greeting
from hub.link.lease_office import LeaseOffice
from hub.link.voice import Safe, Voice, not_safe, stream_ack
from sync.adapters.sqlite_log import hub_inbound
from sync.adapters.sqlite_log.database import Connection
from sync.adapters.sqlite_log.hub_contact import note_seen
from sync.adapters.sqlite_log.hub_store import HubStore, NodeRow, node_row
from sync.kernel.limits import BACKLOG_FACTS
from sync.kernel.outcome import PeerFault
from sync.protocol import batch
from sync.protocol.ack import FROZEN
from sync.protocol.long_header import PROOF_BYTES

SEEN_EVERY_S = 10.0
QUIET_S = 0.03
"""Batches in flight follow each other closer than this."""
DRAIN_S = 1.0
"""After a piece of a backlog the next one is not far."""
EVIDENCE = "evidence"
"""The carrier of what was kept here."""
KEYS_FRESH_S = 60.0
"""How long a node's keys are believed to be what they were: another worker may have heard of a new one."""
CROWD_NODES, LONG_PIECES = 8, 8
"""Machines whose backlogs come in at once, or pieces of one, from which on signing goes before everything; less is soon
through."""

Lane = tuple[int, int]
"""(incarnation, lane): a stream of a known node."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A message at the door. `claimed`: the node that the carrier's certificate names; None for a file."""

    raw: bytes
    carrier: str
    claimed: str | None


@dataclass(slots=True)
class Outcome:
    """`answers` by node, in the order to send them. `refused[i]` is why offer i was not taken, or None.

    `turns`: nodes that may send now and are to be told so wherever they are.
    """

    answers: dict[str, list[bytes]] = field(default_factory=dict)
    turns: list[tuple[str, bytes]] = field(default_factory=list)
    refused: list[str | None] = field(default_factory=list)
    appended: int = 0


Standing = tuple[NodeRow | None, list[hub_inbound.StreamMark]]
"""A node and its streams as the commit that an acknowledgement speaks of holds them."""


@dataclass(slots=True)
class _Work:
    """What one call gathers: batches to commit, streams to acknowledge with what was refused of them."""

    batches: list[hub_inbound.Arrival] = field(default_factory=list)
    touched: dict[str, dict[Lane, list[tuple[int, str]]]] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)
    codes: Counter[str] = field(default_factory=Counter)
    standing: dict[str, Standing] = field(default_factory=dict)

    def touch(self, node: str, stream: Lane) -> list[tuple[int, str]]:
        return self.touched.setdefault(node, {}).setdefault(stream, [])


class Door:
    """Takes messages from any thread; what it keeps, it keeps in one commit for all that came together."""

    def __init__(
        self,
        store: HubStore,
        voice: Voice,
        *,
        learn: Callable[[bytes], bool] | None = None,
        behind: Callable[[int], None] | None = None,
        office: LeaseOffice | None = None,
        safe: Safe = not_safe,
        certify: Certify | None = None,
        heed: Callable[[bytes], None] | None = None,
    ) -> None:
        """`learn(raw)`: take in a machine by its identity record. `behind(epoch)`: proof that this hub forgot.

        `certify` None: certificates are somebody else's to give. `heed(raw)`: take a trust bundle above the one in use.
        """
        self._store = store
        self._voice = voice
        self._safe = safe
        self._credits = Credits(store.clock, voice, self._held if store.shared else None)
        self._greeting = Greeting(store, voice, self._credits, learn, behind, office, safe, certify, heed)
        self._rows: dict[str, tuple[float, NodeRow]] = {}
        self._seen_at: dict[str, float] = {}
        self._took_at_s = float("-inf")
        self._drains: dict[str, tuple[float, int]] = {}
        self._inside = 0
        self._occupied_at_s = 0.0
        self._when_left: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    @contextmanager
    def attended(self) -> Iterator[None]:
        """Somebody is being served until the block ends: taking, keeping, and the answer."""
        with self._lock:
            if not self._inside:
                self._occupied_at_s = self._store.clock.mono_s()
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                left = not self._inside
            if left:
                for call in self._when_left:
                    call()

    @property
    def occupied(self) -> bool:
        """Whether somebody is being served just now: the writer is wanted, or an answer is."""
        return self._inside > 0

    @property
    def occupied_s(self) -> float:
        """For how long there has always been somebody; 0 when nobody is there."""
        return self._store.clock.mono_s() - self._occupied_at_s if self._inside else 0.0

    def when_left(self, call: Callable[[], None]) -> None:
        """`call` each time the last one who was served has gone. It must only set an event."""
        self._when_left.append(call)

    @property
    def busy(self) -> bool:
        """Whether batches come in a row just now: what can wait lets them have the disk."""
        return self._store.clock.mono_s() - self._took_at_s < QUIET_S

    @property
    def draining(self) -> bool:
        """Whether any backlog comes in just now."""
        return bool(self._pieces())

    @property
    def crowded(self) -> bool:
        """Whether many machines' backlogs come in just now, or a long one: what is signed for late is sent again."""
        pieces = self._pieces()
        return len(pieces) >= CROWD_NODES or any(count >= LONG_PIECES for count in pieces)

    def _pieces(self) -> list[int]:
        """Of each backlog that comes in just now, how many pieces have come."""
        since_s = self._store.clock.mono_s() - DRAIN_S
        with self._lock:
            self._drains = {node: drain for node, drain in self._drains.items() if drain[0] > since_s}
            return [count for _, count in self._drains.values()]

    def receive(self, raw: bytes, carrier: str, claimed: str | None) -> list[bytes]:
        """Take one message; the answers to whoever sent it."""
        outcome = self.receive_many([Offer(raw, carrier, claimed)])
        return [answer for answers in outcome.answers.values() for answer in answers]

    def receive_many(self, offers: Sequence[Offer]) -> Outcome:
        """Take several at once: one commit for all their facts, one acknowledgement a node."""
        with self.attended():
            return self._take_in(offers)

    def _take_in(self, offers: Sequence[Offer]) -> Outcome:
        work, outcome = _Work(), Outcome()
        said = [(each.raw, each.claimed, each.carrier) for each in offers if not batch.is_batch(each.raw)]
        if len(said) > 1:
            self._greeting.note_many(said)
        for offer in offers:
            try:
                if batch.is_batch(offer.raw):
                    self._batch(offer, work)
                else:
                    node, answers = self._greeting.message(offer.raw, offer.claimed, offer.carrier)
                    outcome.answers.setdefault(node, []).extend(answers)
                    work.seen.pop(node, None)
                outcome.refused.append(None)
            except PeerFault as fault:
                work.codes[f"refused.{fault.code}"] += 1
                outcome.refused.append(fault.code)
        self._keep(work, outcome)
        if work.touched.keys() - work.standing.keys():
            with self._store.read() as conn:
                self._look(conn, work)
        for node, streams in work.touched.items():
            outcome.answers.setdefault(node, []).append(self._signed(node, streams, work.standing[node]))
        outcome.turns = [(node, self._voice.ack(node, (), credit)) for node, credit in self._credits.turns()]
        if work.batches:
            self._took_at_s = self._store.clock.mono_s()
            for each in work.batches:
                if len(each.items) >= BACKLOG_FACTS:
                    with self._lock:
                        last_s, count = self._drains.get(each.stream.node, (float("-inf"), 0))
                        fresh = self._took_at_s - last_s >= DRAIN_S
                        self._drains[each.stream.node] = self._took_at_s, 1 if fresh else count + 1
        self._note(work)
        return outcome

    def take_kept(self, batches: Sequence[bytes]) -> int:
        """Batches that were kept as evidence and may count now, checked like any other; how many facts were new."""
        return self.receive_many([Offer(raw, EVIDENCE, None) for raw in batches]).appended

    def ack(self, node: str, streams: Iterable[Lane]) -> bytes:
        """A signed acknowledgement of where these streams of a node stand."""
        work = _Work(touched={node: {stream: [] for stream in streams}})
        with self._store.read() as conn:
            self._look(conn, work)
        return self._signed(node, work.touched[node], work.standing[node])

    def _held(self, node: str, streams: Sequence[Lane]) -> dict[Lane, int]:
        with self._store.read() as conn:
            found = hub_inbound.marks(conn, node, streams)
        return {(mark.incarnation, mark.lane): mark.upto for mark in found}

    def _look(self, conn: Connection, work: _Work) -> None:
        for node, streams in work.touched.items():
            work.standing[node] = node_row(conn, "node", node), hub_inbound.marks(conn, node, list(streams))

    def _signed(self, node: str, streams: dict[Lane, list[tuple[int, str]]], standing: Standing) -> bytes:
        row, marks = standing
        told = [stream_ack(node, mark, self._safe, streams.get((mark.incarnation, mark.lane), ())) for mark in marks]
        if row is None or not row.counts:
            told = [replace(each, state=FROZEN) for each in told]
        return self._voice.ack(node, told, self._credits.told(node))

    def _batch(self, offer: Offer, work: _Work) -> None:
        header = batch.parse_header(offer.raw)
        if offer.claimed is not None and offer.claimed != header.node:
            raise PeerFault("batch.foreign")
        row = self._row(header.node, header.key_id)
        if row is None:
            raise PeerFault("batch.unknown-node")
        if row.public(header.key_id, self._voice.hub_ms()) is None and offer.carrier != EVIDENCE:
            # Nothing is wrong with the facts, so no acknowledgement refuses them: they would be withheld one by one.
            raise PeerFault("batch.key")
        work.seen[row.node] = offer.carrier
        try:
            work.batches.append(self._open(offer.raw, header, late=offer.carrier == EVIDENCE))
        except PeerFault as fault:
            work.touch(row.node, (header.incarnation, header.lane)).append((header.first, fault.code))
            raise
        work.touch(row.node, (header.incarnation, header.lane))
        self._credits.taken(header, len(offer.raw))

    def _row(self, node: str, key_id: bytes) -> NodeRow | None:
        """As it was not long ago: its keys seldom change, and how it stands is looked up in the commit."""
        now_s = self._store.clock.mono_s()
        looked_s, held = self._rows.get(node, (float("-inf"), None))
        if held is None or held.key(key_id) is None or now_s - looked_s > KEYS_FRESH_S:
            held = self._store.node_row(node)
            if held is None:
                return None
            self._rows[node] = now_s, held
        return held

    def _open(self, raw: bytes, header: batch.Header, *, late: bool = False) -> hub_inbound.Arrival:
        """`late`: it came when the key that signed it still counted, and was kept."""
        row = self._row(header.node, header.key_id)
        public = None if row is None else row.public(header.key_id, 0 if late else self._voice.hub_ms())
        if public is None:
            raise PeerFault("batch.key")
        keys = self._voice.keys
        opened = batch.open_batch(raw, header, public_key=public, open_key=keys.sealing, suite=keys.suite)
        items = [item.digest if isinstance(item, batch.Withheld) else item for item in opened.items]
        withheld = frozenset(i for i, item in enumerate(opened.items) if isinstance(item, batch.Withheld))
        return hub_inbound.Arrival(
            header.stream, header.first, header.prev, items, withheld, opened.hashes, raw[:PROOF_BYTES], raw
        )

    def _keep(self, work: _Work, outcome: Outcome) -> None:
        """Commit, then what was parked and fits now, until nothing more fits."""
        waiting = work.batches
        if waiting:
            self._took_at_s = self._store.clock.mono_s()
        while waiting:
            parked: list[bytes] = []
            for taken, ready in hub_inbound.accept_many(self._store, waiting, partial(self._look, work=work)):
                outcome.appended += taken.appended
                parked += ready
                if taken.verdict not in ("appended", "duplicate", "parked"):
                    work.codes[f"batch.{taken.verdict}"] += 1
            waiting = [arrival for raw in parked if (arrival := self._again(raw)) is not None]

    def _again(self, raw: bytes) -> hub_inbound.Arrival | None:
        try:
            return self._open(raw, batch.parse_header(raw))
        except PeerFault:
            return None

    def _note(self, work: _Work) -> None:
        now = self._store.clock.mono_s()
        with self._lock:
            fresh = {n: c for n, c in work.seen.items() if now - self._seen_at.get(n, -SEEN_EVERY_S) >= SEEN_EVERY_S}
            self._seen_at.update(dict.fromkeys(fresh, now))
        if fresh or work.codes:
            note_seen(self._store, fresh, work.codes)
