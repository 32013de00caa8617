"""What a node may have on the way: its windows, and beyond them the hub's credit, the newest word of which counts.

Live facts have a window of their own and never wait for credit. Source: protocol way/1, sections 4.6 and 4.10.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sync.kernel import hlc
from sync.kernel.ids import BULK, CONTROL, LIVE
from sync.kernel.limits import CREDIT_ASK_S, NOT_BEFORE_S_MAX, WINDOW_BULK, WINDOW_CONTROL, WINDOW_LIVE
from sync.protocol.ack import Credit
from sync.protocol.outbound import OutStream

ASK_SPREAD = 0.2
"""A share of the wait that jitter adds, so that those who were told the same do not come together."""


class Purse:
    """The credit in hand and when to ask for more. Times are monotonic seconds of the session's clock."""

    def __init__(self, draw: Callable[[], float]) -> None:
        """`draw` gives numbers in [0, 1)."""
        self._draw = draw
        self._bytes = 0
        self._batches = 0
        self._until_s = float("-inf")
        self._ask_at_s = float("-inf")
        self._heard_hub_time = 0
        self._not_before_s = float("-inf")

    def hear(self, credit: Credit | None, hub_time: int, now_s: float) -> None:
        """What an acknowledgement or a welcome says; an older one than the last changes nothing."""
        if credit is None or hub_time < self._heard_hub_time:
            return
        self._heard_hub_time = hub_time
        self._bytes, self._batches = credit.bytes, credit.batches
        self._until_s = now_s + credit.good_for_s
        if self._batches:
            self._ask_at_s = self._not_before_s = float("-inf")
            return
        wait_s = min(max(0.0, (credit.not_before_ms - hlc.ms_of(hub_time)) / 1000), NOT_BEFORE_S_MAX)
        self._not_before_s = self._ask_at_s = now_s + wait_s * (1 + ASK_SPREAD * self._draw())

    def emptied(self) -> None:
        """The line is gone, and what was granted with it; the next welcome says anew."""
        self._bytes = self._batches = self._heard_hub_time = 0
        self._until_s = self._ask_at_s = float("-inf")

    def asked(self, now_s: float) -> None:
        """The hub was asked: not again before it had time to answer."""
        self._ask_at_s = now_s + CREDIT_ASK_S

    def call_at_s(self, at_s: float | None, streams: Iterable[OutStream]) -> float | None:
        """When to call a hub that would be called at `at_s`: where no live fact waits not before it said."""
        if at_s is None or any(each.lane == LIVE and each.open and each.acked < each.last for each in streams):
            return at_s
        return max(at_s, self._not_before_s)

    def ask_at_s(self, streams: Iterable[OutStream], now_s: float) -> float:
        """When to greet the hub for credit; infinity while nothing waits for it."""
        if self._holds(now_s):
            return float("inf")
        ready = [stream.ready_at_s() for stream in streams if stream.lane == BULK]
        return max(min((at for at in ready if at is not None), default=float("inf")), self._ask_at_s)

    def room(self, streams: Iterable[OutStream], now_s: float) -> Room:
        """The room there is now."""
        flying = {LIVE: 0, CONTROL: 0, BULK: 0}
        size = 0
        for stream in streams:
            if stream.open:
                flying[stream.lane] += len(stream.flights) + stream.cutting
                if stream.lane != LIVE:
                    size += sum(flight.size for flight in stream.flights)
        beyond = max(0, flying[CONTROL] - WINDOW_CONTROL) + flying[BULK] - WINDOW_BULK
        granted = self._batches - beyond if self._holds(now_s) and size < self._bytes else 0
        return Room(WINDOW_LIVE - flying[LIVE], WINDOW_CONTROL - flying[CONTROL], granted)

    def _holds(self, now_s: float) -> bool:
        return self._batches > 0 and now_s < self._until_s


class Room:
    """How many more batches may go: of live, of control, and by credit of control or bulk."""

    def __init__(self, live: int, control: int, granted: int) -> None:
        self._live = live
        self._control = control
        self._granted = granted

    def has(self, lane: int) -> bool:
        """Whether one more of this lane fits."""
        if lane == LIVE:
            return self._live > 0
        return self._granted > 0 or (lane == CONTROL and self._control > 0)

    def take(self, lane: int) -> None:
        """One more goes."""
        if lane == LIVE:
            self._live -= 1
        elif lane == CONTROL and self._control > 0:
            self._control -= 1
        else:
            self._granted -= 1
