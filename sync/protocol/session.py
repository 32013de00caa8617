"""What a node says to its hub and when, without a line or a disk: events in, effects out.

One session speaks over one carrier at a time, in the order of the settings; a better one is tried again while a worse
one works, and a batch may be in flight on both. Nothing here frees a fact: marks are moved by the store, which alone
can compare histories, and come back as `AckApplied`.
Source: protocol way/1, sections 4.6, 4.10, 5.4 and 9.
"""

from __future__ import annotations

from sync.kernel.limits import (
    BACKOFF_BASE_S,
    CARRIER_BETTER_EVERY_S,
    CARRIER_FAILURES,
    HELLO_EVERY_S,
    RESEND_LIVE_S,
    RESENDS_UNTIL_SILENT,
)
from sync.kernel.outcome import PeerFault
from sync.protocol import events as do
from sync.protocol import hello, message, states
from sync.protocol.ack import Ack
from sync.protocol.config import Config
from sync.protocol.events import Effect, Event, Lane
from sync.protocol.notices import FREEZE, HELLO_WANTED, THAW, Notice, Order
from sync.protocol.outbound import FACT_BYTES_A_BATCH, OutStream, stream_of
from sync.protocol.passing import passed_on, shown
from sync.protocol.purse import Purse

_LOWER_EPOCH_ALARM = 3
_GREETED = (states.TALKING, states.HELD)


class Session:
    """The machine of `states.SESSION` with its clocks and streams. Times are monotonic seconds of one clock."""

    def __init__(self, config: Config) -> None:
        assert config.carriers
        self._config = config
        self._incarnation = config.incarnation
        self.state = states.SILENT
        self.epoch = 0
        self.up_only = False
        self.streams: dict[Lane, OutStream] = {}
        self._out: list[Effect] = []
        self._carrier = 0
        self._failures = 0
        self._attempt = 0
        self._connect_at_s: float | None = None
        self._give_up_at_s: float | None = None
        self._trying_better: str | None = None
        self._better_at_s = float("inf")
        self.hello_number = 0
        self._hello_tries = 0
        self._hello_again_s: float | None = None
        self._hello_at_s = float("inf")
        self._lower_epochs = 0
        self._receipts_shown = False
        self._purse = Purse(config.draw)
        self._now_s = 0.0
        self._asks_at_s = float("inf")

    @property
    def carrier(self) -> str:
        """The carrier in use, or the one to be called next."""
        return self._config.carriers[self._carrier]

    def on(self, event: Event, now_s: float) -> list[Effect]:
        """Take one event; the effects are to be performed in order."""
        self._now_s = now_s
        match event:
            case do.Started():
                self._started(event, now_s)
            case do.CarrierUp(carrier):
                self._carrier_up(carrier, now_s)
            case do.CarrierDown(carrier):
                self._carrier_down(carrier, now_s)
            case do.Received(said, raw):
                self._received(said, raw, now_s)
            case do.FactCommitted(incarnation, lane, last):
                self._stream(do.OwnStream(incarnation, lane, 0, 0)).committed(last, now_s)
            case do.BatchCut(incarnation, lane, first, last, size):
                if (incarnation, lane) in self.streams:  # an ack may have ended it meanwhile
                    self.streams[incarnation, lane].cut(first, last, size, now_s)
            case do.AckApplied():
                self._applied(event, now_s)
            case do.EpochRaised(streams):
                for own in streams:
                    self._stream(own).begins_again(own, now_s)
            case do.Stumbled():
                self._stumbled(event, now_s)
            case do.StreamClosed(incarnation, lane):
                self.streams.pop((incarnation, lane), None)
            case do.BegunAgain(incarnation):
                self._incarnation, self.hello_number = incarnation, 0
                for stream in self.streams.values():
                    stream.process_ended()
                self._hello_at_s = now_s if self.state in _GREETED else self._hello_at_s
            case do.HelloWanted() if self.state == states.TALKING:
                self._say_hello(now_s)
            case do.AsksOpen(at_s):
                self._asks_at_s = min(self._asks_at_s, at_s)
            case do.IdentityRenewed() if self._go(states.NEW_IDENTITY):
                self._connect_at_s = now_s
        self._clocks(now_s)
        self._send_batches(now_s)
        done, self._out = self._out, []
        return done

    @property
    def wakes_at_s(self) -> float:
        """When `Tick` has something to do at the latest; infinity when only an event can."""
        times = [self._call_at_s, self._give_up_at_s, self._hello_again_s, self._hello_at_s]
        if self.state == states.TALKING:
            times += [self._better_at_s, self._asks_at_s]
            times += [flight.due_at_s for stream in self.streams.values() for flight in stream.flights if stream.open]
            room = self._purse.room(self.streams.values(), self._now_s)
            times += [stream.ready_at_s() for stream in self.streams.values() if room.has(stream.lane)]
            if self._hello_again_s is None:
                times.append(self._purse.ask_at_s(self.streams.values(), self._now_s))
        return min((at for at in times if at is not None), default=float("inf"))

    @property
    def _call_at_s(self) -> float | None:
        return self._purse.call_at_s(self._connect_at_s, self.streams.values())

    def _stumbled(self, event: do.Stumbled, now_s: float) -> None:
        """Some effects were not performed, nobody knows which: hang up, and begin again from what the disk holds."""
        self.epoch = event.epoch
        if event.incarnation != self._incarnation:
            self._incarnation, self.hello_number = event.incarnation, 0
        self.streams = {}
        for own in event.streams:
            self._stream(own)
        if (self.state, states.LINK_LOST) in states.SESSION:
            self._lost(now_s, hang_up=True)

    # The line

    def _started(self, event: do.Started, now_s: float) -> None:
        self.epoch = event.epoch
        for own in event.streams:
            self._stream(own)
        self._connect_at_s = now_s + self._config.draw() * BACKOFF_BASE_S

    def _carrier_up(self, carrier: str, now_s: float) -> None:
        better = carrier == self._trying_better
        if not better and (carrier != self.carrier or self.state != states.CALLING):
            self._out.append(do.Count("session.carrier-up"))
            return
        if better:
            self._out.append(do.Disconnect(self.carrier))
            self._carrier = self._config.carriers.index(carrier)
        self._trying_better, self._give_up_at_s, self._better_at_s = None, None, float("inf")
        if self._go(states.CARRIER_UP):
            self._say_hello(now_s)

    def _carrier_down(self, carrier: str, now_s: float) -> None:
        if carrier == self._trying_better:
            self._trying_better, self._give_up_at_s = None, None
            self._better_at_s = now_s + CARRIER_BETTER_EVERY_S
        elif carrier == self.carrier:
            self._lost(now_s)

    def _lost(self, now_s: float, *, hang_up: bool = False, said: str = states.LINK_LOST) -> None:
        """The link is gone or useless: wait, then call again; after three failures the next carrier."""
        if not self._go(said):
            return
        self._hung_up(hang_up)
        self._failures += 1
        if self._failures >= CARRIER_FAILURES:
            self._failures = 0
            self._carrier = (self._carrier + 1) % len(self._config.carriers)
        span_s = min(self._config.backoff_s_max, BACKOFF_BASE_S * 2 ** min(self._attempt, 30))
        self._attempt += 1
        self._connect_at_s = now_s + self._config.draw() * span_s

    def _hung_up(self, hang_up: bool) -> None:
        if hang_up:
            self._out.append(do.Disconnect(self.carrier))
        if self._trying_better is not None:
            self._out.append(do.Disconnect(self._trying_better))
        self._trying_better = self._give_up_at_s = self._hello_again_s = None
        self._receipts_shown = False
        self._hello_at_s = self._better_at_s = float("inf")
        self._purse.emptied()
        for stream in self.streams.values():
            stream.grounded()

    def _clocks(self, now_s: float) -> None:
        if self.state == states.SILENT and _past(self._call_at_s, now_s) and self._go(states.BACKOFF_OVER):
            self._connect_at_s = None
            self._give_up_at_s = now_s + self._config.connect_s_max
            self._out.append(do.Connect(self.carrier))
        elif self.state == states.CALLING and _past(self._give_up_at_s, now_s):
            self._lost(now_s, hang_up=True)
        if _past(self._hello_again_s, now_s):
            if self._hello_tries > RESENDS_UNTIL_SILENT:
                self._lost(now_s, hang_up=True)
            else:
                self._say_hello(now_s, again=True)
        if self._trying_better is not None and _past(self._give_up_at_s, now_s):
            self._out.append(do.Disconnect(self._trying_better))
            self._trying_better, self._give_up_at_s = None, None
            self._better_at_s = now_s + CARRIER_BETTER_EVERY_S
        if self.state not in _GREETED:
            return
        wants_credit = self.state == states.TALKING and self._purse.ask_at_s(self.streams.values(), now_s) <= now_s
        if self._hello_at_s <= now_s or (wants_credit and self._hello_again_s is None):
            self._purse.asked(now_s)
            self._say_hello(now_s)
        if self._asks_at_s <= now_s:
            self._asks_at_s = float("inf")
            self._out.append(do.SendAsks(self.carrier))
        if self._better_at_s <= now_s and self._carrier:
            self._trying_better = self._config.carriers[0]
            self._give_up_at_s, self._better_at_s = now_s + self._config.connect_s_max, float("inf")
            self._out.append(do.Connect(self._trying_better))

    def _say_hello(self, now_s: float, *, again: bool = False, with_receipts: bool = False) -> None:
        # Again keeps its number: on a slow line the answer to the first one is as good.
        self._hello_tries = self._hello_tries + 1 if again else 1
        self.hello_number += not again
        self._receipts_shown = with_receipts or (again and self._receipts_shown)
        self._hello_again_s = now_s + RESEND_LIVE_S * 2 ** (self._hello_tries - 1)
        self._hello_at_s = float("inf")
        self._out.append(do.SendHello(self.carrier, self.hello_number, with_receipts))

    def _welcome(self, said: message.Message, raw: bytes, now_s: float) -> None:
        welcome = hello.Welcome.read(said.body)
        if welcome.answers != (self._incarnation, self.hello_number) or self._hello_again_s is None:
            self._out.append(do.Count("welcome.of-another-hello"))
            return
        if not (said.epoch < self.epoch and welcome.status == hello.UNKNOWN) and not self._same_epoch(said, now_s):
            return  # a hub put back to before it knew this node believes nothing of it until it has seen its record
        self._lower_epochs = self._failures = self._attempt = self._hello_tries = 0
        self._hello_again_s = None
        status = hello.SAID.get(welcome.status, states.TOO_OLD)
        self._go(status)
        self._out += shown(welcome.wanted, status, self.carrier)
        if self.state == states.GREETING:
            self._hello_again_s = now_s + RESEND_LIVE_S
        elif self.state == states.SHUT_OUT:
            self._hung_up(True)
        elif self.state in _GREETED:
            self._hello_at_s = now_s + HELLO_EVERY_S * (0.8 + 0.4 * self._config.draw())
            if self._trying_better is None and self._better_at_s == float("inf") and self._carrier:
                self._better_at_s = now_s + CARRIER_BETTER_EVERY_S
        if said.epoch == self.epoch:
            self._take_ack(welcome.ack, raw, now_s, welcome=True)
        if welcome.scope_set is not None:
            self._out.append(do.AdoptScopes(*welcome.scope_set))
        if self.state == states.TALKING:
            self._out.append(do.SendAsks(self.carrier, fresh=True, every=hello.LEASES in welcome.wanted))
            if hello.RECEIPTS in welcome.wanted and not self._receipts_shown:
                self._say_hello(now_s, with_receipts=True)
            if not self.up_only:
                self._out.append(do.FetchRound())

    def _same_epoch(self, said: message.Message, now_s: float) -> bool:
        """Whether a message counts. A higher epoch is taken over first and the hub asked again; a lower one never."""
        if said.epoch == self.epoch:
            return True
        if said.epoch > self.epoch:
            first_ever = self.epoch == 0
            self.epoch = said.epoch
            self._out.append(do.RaiseEpoch(said.epoch))
            for stream in self.streams.values():
                stream.epoch_raised()
            if first_ever and said.type == message.WELCOME:
                return True  # there were no marks to forget, and the hello told none
            if self.state in (states.GREETING, states.TALKING) and self._go(states.HIGHER_EPOCH):
                self._say_hello(now_s)
            return said.type == message.ACK  # a welcome leaves out what its hello told of the old epoch
        self._out.append(do.Count("epoch.lower"))
        if said.type == message.WELCOME:
            self._lower_epochs += 1
            if self._lower_epochs >= _LOWER_EPOCH_ALARM:
                self._out.append(do.Alarm("epoch.lower"))
            if self.state in (states.GREETING, states.TALKING):
                self._lost(now_s, hang_up=True, said=states.LOWER_EPOCH)
        return False

    def _received(self, said: message.Message, raw: bytes, now_s: float) -> None:
        try:
            match said.type:
                case message.WELCOME:
                    self._welcome(said, raw, now_s)
                case message.ACK:
                    ack = Ack.read(said.body)
                    if self._same_epoch(said, now_s):
                        self._take_ack(ack, raw, now_s, welcome=False)
                case message.HEAD:
                    if self.state == states.TALKING and said.epoch > self.epoch:
                        self._say_hello(now_s)
                    elif self.state == states.TALKING and not self.up_only:
                        self._out.append(do.FetchRound())
                case message.LEASE:
                    if self._same_epoch(said, now_s):
                        self._out.append(do.TakeLease(said, raw))
                case message.ORDER:
                    self._ordered(Order.read(said.body), now_s)
                case message.NOTICE:
                    code = Notice.read(said.body).code
                    if code == HELLO_WANTED and self.state == states.TALKING and self._hello_again_s is None:
                        self._say_hello(now_s)
                    else:
                        self._out.append(do.Count(f"notice.{code}"))
                case _:
                    self._out.append(passed_on(said, raw))
        except PeerFault as fault:
            self._out.append(do.Count(fault.code))

    def _take_ack(self, ack: Ack, raw: bytes, now_s: float, *, welcome: bool) -> None:
        self._purse.hear(ack.credit, ack.hub_time, now_s)
        told = {(row.incarnation, row.lane): row for row in ack.streams}
        for name, stream in self.streams.items():
            row = told.get(name)
            stream.heard(row.gaps if row else (), now_s)
            if row is not None:
                self._out += stream.told(row, now_s)
            elif welcome:  # left out: the hub sees it as the hello told it, and open
                stream.move(states.ACK_OPEN)
        self._out.append(do.ApplyAck(ack, raw, welcome))

    def _applied(self, event: do.AckApplied, now_s: float) -> None:
        name = (event.incarnation, event.lane)
        stream = self.streams.get(name)
        if event.trouble == "unknown-stream":
            self._out.append(do.Count("ack.unknown-stream"))
        elif event.trouble == "behind":
            # The hub holds less than it signed for: show it its own signatures. Source: section 4.6.
            self._out.append(do.Alarm("ack.behind", name))
            if self.state == states.TALKING and not self._receipts_shown:
                self._say_hello(now_s, with_receipts=True)
        elif stream is None:
            return  # it was done with
        elif event.trouble is not None:
            if event.trouble == "other-history":
                stream.move(states.OTHER_HISTORY)
            elif event.trouble == "rewound" and stream.acked >= stream.last:
                stream.move(states.UPTO_BEYOND)  # what waits goes on: it may be another history than the hub's
            self._out.append(do.Alarm(f"ack.{event.trouble}", name))
        else:
            stream.acknowledged(event.acked)
            if stream.done:
                del self.streams[name]

    def _ordered(self, order: Order, now_s: float) -> None:
        self._out.append(do.Obey(order))
        if order.stream is None and order.verb == FREEZE:
            self._go(states.FREEZE)
        elif order.stream is None and order.verb == THAW and self._go(states.THAW):
            self._say_hello(now_s)

    def _send_batches(self, now_s: float) -> None:
        """Resend what is due, then fill the windows: live, control, bulk; in each the running process first."""
        if self.state != states.TALKING:
            return
        for name, stream in self.streams.items():
            if not stream.open:
                continue
            for flight in stream.flights:
                if flight.due_at_s > now_s:
                    continue
                if flight.resends >= RESENDS_UNTIL_SILENT:
                    self._lost(now_s, hang_up=True)
                    return
                stream.again(flight, now_s)
                self._out.append(do.Resend(self.carrier, *name, flight.first, flight.last))
        room = self._purse.room(self.streams.values(), now_s)
        for name, stream in sorted(self.streams.items(), key=lambda row: row[1].urgency):
            ready_at_s = stream.ready_at_s()
            if ready_at_s is not None and ready_at_s <= now_s and room.has(stream.lane):
                room.take(stream.lane)
                stream.cutting = True
                first, facts_max = stream.sent + 1, stream.facts_max
                self._out.append(do.CutAndSend(self.carrier, *name, first, facts_max, FACT_BYTES_A_BATCH))

    def _stream(self, own: do.OwnStream) -> OutStream:
        name = (own.incarnation, own.lane)
        if name not in self.streams:
            self.streams[name] = stream_of(own, self._incarnation)
        return self.streams[name]

    def _go(self, said: str) -> bool:
        """One step of the table; False, and counted, where it has no such pair."""
        after = states.SESSION.get((self.state, said))
        if after is None:
            self._out.append(do.Count("session." + said.replace(":", "").replace(" ", "-")))
            return False
        before, self.state = (self.state, self.up_only), after
        self.up_only = said == states.TOO_OLD or (self.up_only and said != states.WELCOMED)
        if (after, self.up_only) != before:
            self._out.append(do.ShowState(after, None if after == states.SILENT else self.carrier, self.up_only))
        return True


def _past(at_s: float | None, now_s: float) -> bool:
    return at_s is not None and at_s <= now_s
