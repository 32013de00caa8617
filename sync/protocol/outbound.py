"""One own stream on its way into the hub's log: what is in flight, what waits, what was refused.

Source: protocol way/1, section 4.3 (cuts), 4.4 (halving, withholding), 4.6 (acks), 4.10 (windows, resends).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sync.kernel.ids import BULK, CONTROL, LIVE
from sync.kernel.limits import (
    BACKLOG_FACTS,
    CUT_BYTES,
    CUT_FACTS,
    CUT_QUIET_MS,
    GATHER_MS,
    REFUSED_TRIES,
    RESEND_BACKLOG_S,
    RESEND_LIVE_S,
    RESEND_OTHER_S,
    RESEND_S_MAX,
    WINDOW_LIVE,
)
from sync.protocol import states
from sync.protocol.ack import FROZEN, OPEN, WAITING, StreamAck
from sync.protocol.events import Alarm, Effect, OwnStream, Withhold

FACT_BYTES_A_BATCH = 2 * CUT_BYTES
"""Of fact bytes. The limit is 64 KiB as sent, and bodies of facts squeeze to less than half; caps are far above."""

GAP_RESEND_S = 0.25
"""After an ack that names a gap: time enough for messages that only overtook each other."""

FACT_CODES = frozenset({"batch.body", "batch.too-big", "batch.expand", "batch.chain", "batch.count", "batch.length"})
"""Refusals that a single fact can cause. Others (key, signature, seal, unknown node) are the machine's: halving would
end with every fact withheld, so they are tried again and shown."""


_SAYS = {OPEN: states.ACK_OPEN, FROZEN: states.OTHER_HISTORY, WAITING: states.HOLE}


@dataclass(slots=True)
class Flight:
    """A batch sent and not yet acknowledged; `size` in bytes as sent."""

    first: int
    last: int
    due_at_s: float
    wait_s: float
    size: int = 0
    resends: int = 0
    hastened: bool = False


@dataclass(slots=True)
class OutStream:
    """Facts up to `last` exist, up to `sent` are in flight, up to `acked` the hub has signed for.

    `cap` facts at most go into a batch while one at or below `cap_upto` was refused. `hold_until_s`: not before.
    `window`: pieces of a live backlog on the way. One at first, and one more for each that is signed for, so that a
    thousand machines which come back at once do not lay all they have before the hub: who waits sends again.
    """

    incarnation: int
    lane: int
    last: int
    acked: int
    current: bool
    state: str
    sent: int = 0
    flights: list[Flight] = field(default_factory=list)
    unsent_since_s: float = float("-inf")
    cutting: bool = False
    cap: int | None = None
    cap_upto: int = 0
    tries: int = 0
    refused_first: int = 0
    hold_until_s: float = float("-inf")
    hold_s: float = 0.0
    window: int = 1

    def process_ended(self) -> None:
        """Another incarnation writes from now on."""
        self.current = False
        self.move(states.PROCESS_ENDS)

    def __post_init__(self) -> None:
        self.sent = self.acked

    @property
    def open(self) -> bool:
        return self.state in (states.GROWING, states.ENDED)

    @property
    def done(self) -> bool:
        """Nothing is left to do for it: an earlier process's stream, all acknowledged."""
        return self.state == states.ENDED and self.acked >= self.last

    @property
    def resend_s(self) -> float:
        return RESEND_LIVE_S if self.lane == LIVE else RESEND_OTHER_S

    @property
    def facts_max(self) -> int:
        return self.cap or CUT_FACTS

    @property
    def urgency(self) -> tuple[bool, int, bool, int]:
        """Sorts streams for sending: live, control, bulk; in each what the running process writes comes first.

        The opening of a process start goes before its other facts: by it the hub knows whose past they continue.
        """
        opens = self.current and self.lane == CONTROL and self.sent == 0
        return (not opens, (LIVE, CONTROL, BULK).index(self.lane), not self.current, self.sent)

    def move(self, said: str) -> None:
        """One step of the stream's table; a current stream that opens again is growing."""
        after = states.OUTBOUND.get((self.state, said), self.state)
        self.state = states.GROWING if after == states.ENDED and self.current else after

    def committed(self, last: int, now_s: float) -> None:
        if self.sent == self.last < last:
            self.unsent_since_s = now_s
        self.last = max(self.last, last)

    def ready_at_s(self) -> float | None:
        """When the next batch may be cut; None when nothing waits. Windows are the session's."""
        if not self.open or self.cutting or self.sent >= self.last:
            return None
        if self.lane == LIVE and self.last - self.sent >= BACKLOG_FACTS and len(self.flights) >= self.window:
            return None
        if not self.current or self.last - self.sent >= self.facts_max:
            return self.hold_until_s
        gather_ms = CUT_QUIET_MS if self.lane != LIVE else GATHER_MS if self.flights else 0
        return max(self.hold_until_s, self.unsent_since_s + gather_ms / 1000)

    def cut(self, first: int, last: int, size: int, now_s: float) -> None:
        """A batch left. What was committed meanwhile gathers from now."""
        self.cutting = False
        if last < first:
            self.last = self.sent
            return
        # A hub before which a crowd stands answers late: to send each again after 2 s would double the crowd.
        wait_s = RESEND_BACKLOG_S if last - first + 1 >= BACKLOG_FACTS else self.resend_s
        self.flights.append(Flight(first, last, now_s + wait_s, wait_s, size))
        self.sent = max(self.sent, last)
        self.unsent_since_s = now_s

    def acknowledged(self, acked: int) -> None:
        if acked > self.acked:
            self.move(states.UPTO_MOVES)
            self.tries, self.hold_s, self.hold_until_s = 0, 0.0, float("-inf")
        self.acked = max(self.acked, acked)
        self.sent = max(self.sent, self.acked)
        self.last = max(self.last, self.acked)
        flying = [flight for flight in self.flights if flight.last > self.acked]
        self.window = min(WINDOW_LIVE, self.window + len(self.flights) - len(flying))
        self.flights = flying
        if self.cap is not None and self.acked >= self.cap_upto:
            self.cap = None

    def heard(self, gaps: tuple[tuple[int, int], ...], now_s: float) -> None:
        """The hub answers, so the line lives; what it misses goes again soon, once per sending."""
        for flight in self.flights:
            flight.resends = 0
            if not flight.hastened and any(flight.first <= b and flight.last >= a for a, b in gaps):
                flight.hastened = True
                flight.due_at_s = min(flight.due_at_s, now_s + GAP_RESEND_S)

    def told(self, row: StreamAck, now_s: float) -> list[Effect]:
        """Take what the hub says of this stream, apart from the mark, which the store moves."""
        name = (self.incarnation, self.lane)
        self.move(_SAYS[row.state])
        wanted: list[Effect] = []
        for first, code in row.refused:
            if code not in FACT_CODES:
                wanted.append(Alarm(f"refused.{code}", name))
            seq = self.refused(first, code, now_s)
            if seq is not None:
                wanted += [Withhold(*name, seq), Alarm("fact.withheld", name)]
        return wanted

    def refused(self, first: int, code: str, now_s: float) -> int | None:
        """A batch from `first` was not taken. Returns the seq to withhold, when a lone fact was refused three times."""
        flight = next((each for each in self.flights if each.first == first), None)
        if flight is None or first <= self.acked:
            return None
        size = flight.last - first + 1
        self._take_back(first)
        self.hold_s = min(max(2 * self.hold_s, self.resend_s), RESEND_S_MAX)
        self.hold_until_s = now_s + self.hold_s
        if code not in FACT_CODES:
            return None
        self.tries = self.tries + 1 if self.refused_first == first else 1
        self.refused_first = first
        if self.tries < REFUSED_TRIES:
            return None
        self.tries, self.hold_s, self.hold_until_s = 0, 0.0, now_s
        self.cap_upto = max(self.cap_upto, first + size - 1)
        self.cap = max(1, size // 2)
        return first if size == 1 else None

    def again(self, flight: Flight, now_s: float) -> None:
        """A flight is sent once more; each time the wait doubles."""
        self.window = 1
        flight.resends += 1
        flight.hastened = False
        flight.wait_s = min(2 * flight.wait_s, RESEND_S_MAX)
        flight.due_at_s = now_s + flight.wait_s

    def grounded(self) -> None:
        """The line is gone: what was in flight may be lost, and is cut anew after the next welcome."""
        self._take_back(self.acked + 1)
        self.cutting = False
        self.window = 1

    def epoch_raised(self) -> None:
        """All marks are forgotten with the epoch that they belonged to."""
        self.move(states.EPOCH_RISES)
        self.acked = 0
        self.grounded()

    def begins_again(self, own: OwnStream, now_s: float) -> None:
        """As the store has it under the higher epoch: its own history may have come back and made it longer.

        Its mark is above 0 where facts were dropped: backups hold them.
        """
        self.committed(own.last, now_s)
        self.acknowledged(own.acked)

    def _take_back(self, first: int) -> None:
        self.flights = [flight for flight in self.flights if flight.last < first]
        self.sent = max(self.acked, first - 1)
        self.unsent_since_s = float("-inf")


def stream_of(own: OwnStream, incarnation: int) -> OutStream:
    """A stream as the store knows it, for a process of this incarnation."""
    current = own.incarnation == incarnation
    state = states.GROWING if current else states.ENDED
    made = OutStream(own.incarnation, own.lane, own.last, own.acked, current, state)
    if own.state != OPEN:
        made.move(states.OTHER_HISTORY if own.state == FROZEN else states.HOLE)
    return made
