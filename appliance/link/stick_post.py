"""What a box gives to a stick and takes from one. Nothing else of the box's line works meanwhile (`Link.aside`).

Up: a hello, where its copies stand, questions about copies that differ and about leases, every fact not signed for,
and as many large bytes as fit. Down: whom to believe, acknowledgements, which scopes to hold, leases, and parcels. A
file is an offer: taken twice, late or not at all, it does no harm. Source: protocol way/1, section 4.10.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from appliance.link.letters import Letters
from appliance.link.rekeying import Rekeying
from appliance.link.rounds import RoundDone, Rounds
from appliance.link.stick_feeds import StickFeeds
from appliance.link.trust_book import TrustBook
from sync.adapters.leases.box import Leases
from sync.adapters.sqlite_log import down, mirrors, outbox
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.kept_blobs import KeptBlobs
from sync.kernel.outcome import PeerFault, Unavailable
from sync.protocol import message, parcel
from sync.protocol.ack import Ack
from sync.protocol.blob import chunks_of
from sync.protocol.hello import Welcome
from sync.protocol.lease import LeaseWord
from sync.protocol.notices import Head, ScopeHead
from sync.protocol.sets import SetsAsk
from sync.protocol.trust import Identity

BATCHES_MAX = 1000
FACT_BYTES_MAX = 32 * 1024 * 1024
BLOB_BYTES_MAX = 24 * 1024 * 1024
"""In one file; the rest goes with the next walk."""

Told = Callable[[int, int], None]
"""(done, of): facts on the way up, messages on the way down. It may raise to stop."""


@dataclass(slots=True)
class Packed:
    """What goes up. `facts` of them are not signed for, in `batches` of the messages."""

    messages: list[bytes]
    facts: int = 0
    batches: int = 0
    asks: int = 0
    blobs: int = 0
    blobs_left: int = 0


@dataclass(slots=True)
class TakenIn:
    """What came of a file. `rounds` None: it brought no feeds. `refused`: what of it was not for us or not whole."""

    acknowledged: int = 0
    leases: int = 0
    blobs: int = 0
    rounds: RoundDone | None = None
    refused: Counter[str] = field(default_factory=Counter)


class StickPost:
    """One box's."""

    def __init__(
        self,
        store: ApplianceStore,
        letters: Letters,
        book: TrustBook,
        sealing: bytes,
        *,
        leases: Leases | None = None,
        blobs: KeptBlobs | None = None,
        rekeying: Rekeying | None = None,
    ) -> None:
        """`sealing`: its secret key for what is sealed to it. `leases` of a process that runs: its asks end with it.

        `rekeying` None: it keeps its signing key.
        """
        self._leases = leases
        self._blobs = blobs
        self._rekeying = rekeying
        self._store = store
        self._letters = letters
        self._book = book
        self._sealing = sealing

    def pack(self, hello_number: int | None = None, told: Told = lambda done, of: None) -> Packed:
        """Everything for the hub. Packing twice is harmless. Raises Unavailable `stick.nothing`: it never started.

        `hello_number`: the running process's next one; None where none runs.
        """
        store = self._store
        streams = outbox.own_streams(store)
        newest = outbox.newest_start(store)
        if newest is None:
            raise Unavailable("stick.nothing", 60.0)
        # Of a process that ended, one above what it ever said.
        number = store.clock.wall_ms() // 1000 if hello_number is None else hello_number
        epoch = store.meta_int("hub_epoch")
        away = mirrors.names(store)
        cursors = [cursor for cursor in down.cursors(store) if cursor.label not in away]
        held = tuple(ScopeHead(c.label, 0 if c.to_repair else c.sseq, c.e, bytes(16)) for c in cursors)
        packed = Packed([self._letters.hello(number, newest)])
        if self._rekeying is not None:
            packed.messages += self._rekeying.asked(epoch)
        packed.messages.append(self._book.say(message.HEAD, Head(held, 0).body(), epoch))
        for cursor in cursors:
            values = tuple(down.bucket_values(store, cursor.label))
            if cursor.to_repair and any(any(value) for value in values):
                ask = SetsAsk(cursor.label, values, empty=True)
                packed.messages.append(self._book.say(message.SETS, ask.body(), epoch))
        if self._leases is not None:
            self._leases.line_up()
            asks = self._leases.due()
            packed.messages += [self._letters.ask(ask) for ask in asks]
            packed.asks = len(asks)
        size = 0
        of = sum(stream.last - stream.acked for stream in streams)
        for stream in streams:
            first = stream.acked + 1
            while packed.batches < BATCHES_MAX and size < FACT_BYTES_MAX:
                made = self._letters.batch((stream.incarnation, stream.lane), first)
                if made is None:
                    break
                packed.messages.append(made[0])
                size += len(made[0])
                packed.batches += 1
                packed.facts += made[1] - first + 1
                first = made[1] + 1
                told(packed.facts, of)
        if self._blobs is not None:
            self._pack_blobs(self._blobs, packed, epoch)
        return packed

    def _pack_blobs(self, blobs: KeptBlobs, packed: Packed, epoch: int) -> None:
        """Whole blobs alone, previews first: half of one would have to come again."""
        chunks: dict[str, bytes] = {}
        room = BLOB_BYTES_MAX
        for waiting in blobs.waiting():
            if waiting.bytes > room:
                packed.blobs_left += 1
                continue
            room -= waiting.bytes
            packed.blobs += 1
            for n in range(chunks_of(waiting.bytes)):
                chunks[parcel.blob_at(waiting.blob, waiting.bytes, n)] = blobs.chunk(waiting.blob, n)
        if chunks:
            bodies = parcel.pack(chunks, self._book.seal_to, self._book.keys.suite)
            packed.messages += [self._book.say(message.PARCEL, body, epoch) for body in bodies]

    def take(self, messages: Sequence[bytes], told: Told = lambda done, of: None) -> TakenIn:
        """A file that came back. What is wrong in it is counted and left out."""
        done = TakenIn()
        parcels: list[object] = []
        for n, raw in enumerate(messages):
            told(n, len(messages))
            try:
                opened = self._book.open(raw)
                if opened.type == message.TRUST:
                    self._book.adopt(raw)
                elif self._of_now(opened):
                    self._one(opened, raw, done)
                    if opened.type == message.PARCEL:
                        parcels.append(opened.body)
                else:
                    done.refused["epoch.lower"] += 1
            except PeerFault as fault:
                done.refused[fault.code] += 1
        if parcels:
            self._round(parcels, done)
        return done

    def _of_now(self, opened: message.Message) -> bool:
        """Whether a message counts. A higher epoch is taken over first, a lower one never."""
        known = self._store.meta_int("hub_epoch")
        if opened.epoch > known:
            down.raise_epoch(self._store, opened.epoch)
        return opened.epoch >= known

    def _one(self, opened: message.Message, raw: bytes, done: TakenIn) -> None:
        if opened.type == message.ACK:
            ack = Ack.read(opened.body)
            outcomes, _ = self._letters.apply(ack, raw, welcome=False)
            done.acknowledged += sum(outcome.moved for outcome in outcomes)
            if self._blobs is not None:
                self._blobs.signed(ack.blobs)
                done.blobs += len(ack.blobs)
        elif opened.type == message.LEASE and self._leases is not None:
            self._leases.take(LeaseWord.read(opened.body), raw)
            done.leases += 1
        elif opened.type == message.WELCOME:
            scopes = Welcome.read(opened.body).scope_set
            if scopes is not None:
                down.set_scopes(self._store, *scopes)

        elif opened.type == message.IDENTITY and self._rekeying is not None:
            told = Identity.read(opened.body)
            if told.node == self._store.node:
                self._rekeying.hear_carried(told, raw)

    def _round(self, parcels: Sequence[object], done: TakenIn) -> None:
        try:
            feeds = StickFeeds(parcel.unpack(parcels, self._sealing, self._book.keys.suite))
            done.rounds = Rounds(self._store, feeds, self._book, one_visit=True).run()
        except (PeerFault, Unavailable) as fault:
            done.refused[fault.code] += 1
