"""What a box gives to a stick and takes from one. The box is stopped, or nobody else uses its store meanwhile.

Up: a hello, where its copies stand, questions about copies that differ, and every fact not signed for. Down: whom to
believe, acknowledgements, which scopes to hold, and parcels. A file is an offer: taken twice, late or not at all, it
does no harm. Source: protocol way/1, section 4.10.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from appliance.link.letters import Letters
from appliance.link.rounds import RoundDone, Rounds
from appliance.link.stick_feeds import StickFeeds
from appliance.link.trust_book import TrustBook
from sync.adapters.sqlite_log import down, mirrors, outbox
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.kernel.outcome import PeerFault, Unavailable
from sync.protocol import message, parcel
from sync.protocol.ack import Ack
from sync.protocol.hello import Welcome
from sync.protocol.notices import Head, ScopeHead
from sync.protocol.sets import SetsAsk

BATCHES_MAX = 1000


@dataclass(slots=True)
class Packed:
    """What goes up. `facts` of them are not signed for, in `batches` of the messages."""

    messages: list[bytes]
    facts: int = 0
    batches: int = 0


@dataclass(slots=True)
class TakenIn:
    """What came of a file. `rounds` None: it brought no feeds. `refused`: what of it was not for us or not whole."""

    acknowledged: int = 0
    rounds: RoundDone | None = None
    refused: Counter[str] = field(default_factory=Counter)


class StickPost:
    """One box's. `sealing`: its secret key for what is sealed to it."""

    def __init__(self, store: ApplianceStore, letters: Letters, book: TrustBook, sealing: bytes) -> None:
        self._store = store
        self._letters = letters
        self._book = book
        self._sealing = sealing

    def pack(self) -> Packed:
        """Everything for the hub. Packing twice is harmless. Raises Unavailable `stick.nothing`: it never started."""
        store = self._store
        streams = outbox.own_streams(store)
        newest = outbox.newest_start(store)
        if newest is None:
            raise Unavailable("stick.nothing", 60.0)
        number = store.clock.wall_ms() // 1000  # above what the process that wrote that stream ever said
        epoch = store.meta_int("hub_epoch")
        away = mirrors.names(store)
        cursors = [cursor for cursor in down.cursors(store) if cursor.label not in away]
        held = tuple(ScopeHead(c.label, 0 if c.to_repair else c.sseq, c.e, bytes(16)) for c in cursors)
        packed = Packed([self._letters.hello(number, newest)])
        packed.messages.append(self._book.say(message.HEAD, Head(held, 0).body(), epoch))
        for cursor in cursors:
            values = tuple(down.bucket_values(store, cursor.label))
            if cursor.to_repair and any(any(value) for value in values):
                ask = SetsAsk(cursor.label, values, empty=True)
                packed.messages.append(self._book.say(message.SETS, ask.body(), epoch))
        for stream in streams:
            first = stream.acked + 1
            while packed.batches < BATCHES_MAX:
                made = self._letters.batch((stream.incarnation, stream.lane), first)
                if made is None:
                    break
                packed.messages.append(made[0])
                packed.batches += 1
                packed.facts += made[1] - first + 1
                first = made[1] + 1
        return packed

    def take(self, messages: Sequence[bytes]) -> TakenIn:
        """A file that came back. What is wrong in it is counted and left out."""
        done = TakenIn()
        parcels: list[object] = []
        for raw in messages:
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
            outcomes, _ = self._letters.apply(Ack.read(opened.body), raw, welcome=False)
            done.acknowledged += sum(outcome.moved for outcome in outcomes)
        elif opened.type == message.WELCOME:
            scopes = Welcome.read(opened.body).scope_set
            if scopes is not None:
                down.set_scopes(self._store, *scopes)

    def _round(self, parcels: Sequence[object], done: TakenIn) -> None:
        try:
            feeds = StickFeeds(parcel.unpack(parcels, self._sealing, self._book.keys.suite))
            done.rounds = Rounds(self._store, feeds, self._book, one_visit=True).run()
        except (PeerFault, Unavailable) as fault:
            done.refused[fault.code] += 1
