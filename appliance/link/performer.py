"""One effect of the session after the other, done: on the store, on a carrier, on the strip."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import singledispatchmethod
from typing import Protocol

from appliance.link.gauge import Gauge
from appliance.link.letters import Letters
from appliance.link.rekeying import Rekeying
from appliance.link.trust_book import TrustBook
from sync.adapters.carrier import Carrier
from sync.adapters.leases.box import Leases
from sync.adapters.sqlite_log import down, outbox, thawing
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.kernel import hlc
from sync.kernel.limits import CUT_FACTS, HUB_TIME_S_MAX
from sync.kernel.outcome import PeerFault, Unavailable
from sync.protocol import events, lease_states, states
from sync.protocol.lease import LeaseWord
from sync.protocol.notices import THAW
from sync.protocol.trust import Identity

Events = list[events.Event]
Place = tuple[int, int, int]
"""(incarnation, lane, seq)."""


class Wanted(Protocol):
    """Who takes rounds."""

    def want(self) -> None: ...


class Performer:
    """Used by one thread at a time."""

    def __init__(
        self,
        store: ApplianceStore,
        book: TrustBook,
        letters: Letters,
        carriers: Mapping[str, Carrier],
        gauge: Gauge,
        fetcher: Wanted | None,
        identity: bytes,
        keep_identity: Callable[[bytes], None],
        leases: Leases | None = None,
        blobs_signed: Callable[[Sequence[tuple[bytes, bool]]], None] = lambda blobs: None,
        rekeying: Rekeying | None = None,
    ) -> None:
        """`rekeying` None: this box keeps its key, and `identity` and `keep_identity` are all there is of it."""
        self._store = store
        self._book = book
        self._letters = letters
        self._carriers = carriers
        self._gauge = gauge
        self._fetcher = fetcher
        self._identity = identity
        self._keep_identity = keep_identity
        self._leases = leases
        self._rekeying = rekeying
        self._blobs_signed = blobs_signed
        self._sent_at: dict[Place, float] = {}
        self._hello_at: float | None = None
        self._now = 0.0
        self.state = states.SILENT
        self.counts: Counter[str] = Counter()
        self._hold(frozenset(cursor.label for cursor in down.cursors(store)))

    def perform(self, effect: events.Effect, now_s: float) -> Events:
        """Do it; the events it led to. Raises Unavailable when the disk does not take it."""
        self._now = now_s
        return self._do(effect)

    def hang_up(self) -> None:
        """Close every carrier."""
        for carrier in self._carriers.values():
            carrier.close()

    @singledispatchmethod
    def _do(self, effect: object) -> Events:
        raise AssertionError(f"no hand for {type(effect).__name__}")

    @_do.register
    def _(self, effect: events.Connect) -> Events:
        self._carriers[effect.carrier].open()
        return []

    @_do.register
    def _(self, effect: events.Disconnect) -> Events:
        self._carriers[effect.carrier].close()
        return []

    @_do.register
    def _(self, effect: events.SendHello) -> Events:
        carrier = self._carriers[effect.carrier]
        if self._rekeying is not None:
            self._rekeying.settle()
            if self._hello_at is not None and self._book.keys.former:
                self._show(effect.carrier)  # unanswered: a hub that was put back may not know the key
        if effect.with_receipts:
            for raw in outbox.receipts(self._store):
                carrier.send(raw)
        carrier.send(self._letters.hello(effect.number))
        self._hello_at = self._now
        self._gauge.asked(self._now)
        return []

    @_do.register
    def _(self, effect: events.SendIdentity) -> Events:
        self._show(effect.carrier)
        return []

    @_do.register
    def _(self, effect: events.SendTrust) -> Events:
        self._carriers[effect.carrier].send(self._book.raw)
        return []

    @_do.register
    def _(self, effect: events.ChangeKey) -> Events:
        if self._rekeying is not None:
            try:
                self._rekeying.begin()
            except Unavailable as fault:  # wanted again at the next greeting; the line is not for that
                self.counts[fault.code] += 1
        return []

    @_do.register
    def _(self, effect: events.CutAndSend) -> Events:
        lane = (effect.incarnation, effect.lane)
        made = self._letters.batch(lane, effect.first, effect.facts_max, effect.bytes_max)
        if made is None:
            return [events.BatchCut(*lane, effect.first, effect.first - 1)]
        raw, last = made
        self._carriers[effect.carrier].send(raw)
        self._sent_at.setdefault((*lane, last), self._now)
        self._gauge.asked(self._now)
        return [events.BatchCut(*lane, effect.first, last, len(raw))]

    @_do.register
    def _(self, effect: events.Resend) -> Events:
        lane = (effect.incarnation, effect.lane)
        first = effect.first
        while first <= effect.last:
            made = self._letters.batch(lane, first, min(CUT_FACTS, effect.last - first + 1))
            if made is None:
                break
            self._carriers[effect.carrier].send(made[0])
            first = made[1] + 1
        return []

    @_do.register
    def _(self, effect: events.ApplyAck) -> Events:
        outcomes, waiting = self._letters.apply(effect.ack, effect.raw, welcome=effect.welcome)
        told: Events = []
        for stream, outcome in zip(effect.ack.streams, outcomes, strict=True):
            acked = 0 if outcome.trouble else stream.upto
            told.append(events.AckApplied(outcome.incarnation, outcome.lane, acked, outcome.trouble))
        if any(outcome.trouble == "rewound" for outcome in outcomes):
            self._doubt_leases(lease_states.DISK_REWOUND)
        if effect.ack.blobs:
            self._blobs_signed(effect.ack.blobs)
        if effect.welcome and self._hello_at is not None and self._now - self._hello_at <= HUB_TIME_S_MAX:
            on_the_way_ms = round(1000 * (self._now - self._hello_at))
            self._store.told_hub_time(hlc.ms_of(effect.ack.hub_time) + on_the_way_ms)
        told += self._leave_to_the_other(outcomes)
        self._measure(effect, sum(outcome.moved for outcome in outcomes), waiting)
        return told if waiting else told + self._amend()

    def _leave_to_the_other(self, outcomes: Sequence[outbox.MarkOutcome]) -> Events:
        """Another process goes on under the numbers of this one, a running copy: nothing more is written under them."""
        mine = self._store.incarnation
        if not any(each.trouble == "rewound" and each.incarnation == mine for each in outcomes):
            return []
        self._store.begin_again("restored")
        return [events.BegunAgain(self._store.incarnation)]

    def _amend(self) -> Events:
        """A clock that ran ahead of hub time: with nothing left to send, go on in a new incarnation from hub time."""
        high = self._store.amended_high()
        if high is None:
            return []
        self._store.begin_again("clock amended", high)
        return [events.BegunAgain(self._store.incarnation)]

    def _measure(self, effect: events.ApplyAck, moved: int, waiting: int) -> None:
        """How long the newest acknowledged batch took, and how much still waits."""
        upto = {(s.incarnation, s.lane): s.upto for s in effect.ack.streams}
        done = {place: at for place, at in self._sent_at.items() if upto.get(place[:2], 0) >= place[2]}
        for place in done:
            del self._sent_at[place]
        delay = self._now - max(done.values()) if done else None
        if effect.welcome and self._hello_at is not None:
            delay = self._now - self._hello_at
            self._hello_at = None
        self._gauge.heard(self._now, delay, moved, waiting)

    @_do.register
    def _(self, effect: events.RaiseEpoch) -> Events:
        first_ever = not self._store.meta_int("hub_epoch")
        down.raise_epoch(self._store, effect.epoch)
        if not first_ever:
            self._doubt_leases(states.EPOCH_RISES)
        self._sent_at.clear()
        return [events.EpochRaised(self._letters.streams())]

    @_do.register
    def _(self, effect: events.Withhold) -> Events:
        own = self._letters.stream((effect.incarnation, effect.lane))
        cut = None if own is None else outbox.cut(self._store, own, effect.seq, facts_max=1, bytes_max=1)
        if own is not None and cut is not None and not cut.withheld:
            outbox.withhold(self._store, own.stream, effect.seq, self._store.suite.hash(cut.items[0]))
        return []

    @_do.register
    def _(self, effect: events.FetchRound) -> Events:
        if self._fetcher is not None:
            self._fetcher.want()
        return []

    @_do.register
    def _(self, effect: events.AdoptScopes) -> Events:
        if down.set_scopes(self._store, effect.version, effect.labels):
            self._hold(frozenset(cursor.label for cursor in down.cursors(self._store)))
        return []

    @_do.register
    def _(self, effect: events.AdoptTrust) -> Events:
        try:
            self._book.adopt(effect.raw)
        except PeerFault as fault:
            self.counts[fault.code] += 1
        return []

    @_do.register
    def _(self, effect: events.AdoptIdentity) -> Events:
        try:
            told = Identity.read(effect.message.body)
        except PeerFault as fault:
            self.counts[fault.code] += 1
            return []
        if told.node == self._store.node and self._rekeying is not None:
            before = self._book.keys
            if self._rekeying.hear(told, effect.raw):
                self.counts["identity.new-key"] += 1
                return [events.HelloWanted()]
            if told.signing == before.signing_public:
                return [events.IdentityRenewed()]
        if (told.node, told.signing) != (self._store.node, self._book.keys.signing_public):
            self.counts["identity.other"] += 1
            return []
        self._keep_identity(effect.raw)
        self._identity = effect.raw
        return [events.IdentityRenewed()]

    @_do.register
    def _(self, effect: events.Obey) -> Events:
        order = effect.order
        self._store.tally(f"order.{order.verb}")
        if order.stream is None or order.verb != THAW:
            return []
        running = self._store.incarnation
        if thawing.obey(self._store, order) is None:
            return []
        told: Events = [events.StreamClosed(*order.stream)]
        if self._store.incarnation != running:
            told.append(events.BegunAgain(self._store.incarnation))
        return told

    @_do.register
    def _(self, effect: events.SendAsks) -> Events:
        if self._leases is None:
            return []
        if effect.fresh:
            self._leases.line_up(every=effect.every)
        for ask in self._leases.due():
            self._carriers[effect.carrier].send(self._letters.ask(ask))
        return self._more_asks()

    @_do.register
    def _(self, effect: events.TakeLease) -> Events:
        if self._leases is None:
            return []
        try:
            self._leases.take(LeaseWord.read(effect.message.body), effect.raw)
        except PeerFault as fault:
            self.counts[fault.code] += 1
        self._hold(frozenset(cursor.label for cursor in down.cursors(self._store)))
        return self._more_asks()

    def _more_asks(self) -> Events:
        at_s = None if self._leases is None else self._leases.next_s()
        return [] if at_s is None else [events.AsksOpen(at_s)]

    def _doubt_leases(self, said: str) -> None:
        if self._leases is not None:
            self._leases.doubt(said)

    @_do.register
    def _(self, effect: events.ShowState) -> Events:
        self.state = effect.state
        self._gauge.told(up_only=effect.up_only)
        return []

    @_do.register
    def _(self, effect: events.Alarm) -> Events:
        self._store.tally(f"alarm.{effect.code}"[:60])
        return []

    @_do.register
    def _(self, effect: events.Count) -> Events:
        self.counts[effect.code] += 1
        return []

    def _show(self, carrier: str) -> None:
        """Who this is, by the hub's own word."""
        told = [self._identity] if self._identity else []
        if self._rekeying is not None:
            told = self._rekeying.shown(self._store.meta_int("hub_epoch"))
        for raw in told:
            self._carriers[carrier].send(raw)

    def _hold(self, labels: frozenset[str]) -> None:
        for carrier in self._carriers.values():
            carrier.hold(labels)
