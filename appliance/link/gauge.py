"""What this box knows about its line, for the strip on the screen: heard, asked, lost, delivered, and when.

It never says that the centre is down: it counts how long a question has stood unanswered and how long nobody could be
reached. Times are of the monotonic clock.
"""

from __future__ import annotations

import threading
from collections import deque

from kiosk_ui.kit.screens.line import SILENT_AFTER_S, SLOW_ACK_S, LineFacts
from sync.adapters.carrier import Why

RATE_OVER_S = 5.0
SLOW_STANDS_S = 30.0
"""How long slow answers are evidence while nobody asks anything: a quiet box greets only every quarter of an hour."""


class Gauge:
    """Written by the link's thread, read by any."""

    def __init__(self, now_s: float, last_heard_age_s: float | None) -> None:
        self._lock = threading.Lock()
        self._connected = False
        self._asked_at: float | None = None
        self._heard_at = None if last_heard_age_s is None else now_s - last_heard_age_s
        self._cut_at: float | None = now_s
        self._delay_s = 0.0
        self._slow = 0
        self._slow_at = now_s
        self._back = False
        self._delivered = 0
        self._moves: deque[tuple[float, int]] = deque()
        self._outdated = False

    def up(self, now_s: float) -> None:
        """A carrier stands. The strip stays as it was until something is acknowledged."""
        with self._lock:
            self._connected = True

    def down(self, why: Why, now_s: float) -> None:
        """A carrier fell or could not be opened. Somebody who takes the call and says nothing is no cut line.

        A carrier says `no-answer` after its own patience, so the silence counts as old enough to be told.
        """
        with self._lock:
            self._connected = why == "no-answer"
            if why != "no-answer":
                self._asked_at = None
                self._slow = 0
            if self._cut_at is None:
                self._cut_at = now_s
                self._delivered = 0
            if why == "no-answer":
                since = now_s - SILENT_AFTER_S
                self._asked_at = since if self._asked_at is None else min(since, self._asked_at)

    def asked(self, now_s: float) -> None:
        """Something was sent that wants an answer."""
        with self._lock:
            if self._asked_at is None:
                self._asked_at = now_s

    def heard(self, now_s: float, delay_s: float | None, moved: int, outbox: int) -> None:
        """The hub signed something for us: `moved` facts are acknowledged, `outbox` still wait.

        `delay_s`: how long the newest of them took, None when nothing was timed.
        """
        with self._lock:
            silent = self._asked_at is not None and now_s - self._asked_at >= SILENT_AFTER_S
            if self._cut_at is not None or silent:
                self._back = True
            self._connected = True
            self._heard_at = now_s
            self._cut_at = None
            self._asked_at = now_s if outbox else None
            if delay_s is not None:
                self._delay_s = delay_s
                self._slow = self._slow + 1 if delay_s >= SLOW_ACK_S else 0
                self._slow_at = now_s
            if moved:
                self._moves.append((now_s, moved))
                self._delivered += moved if self._back else 0
            if not outbox:
                self._back, self._delivered = False, 0

    def told(self, *, up_only: bool) -> None:
        """What the hub says of this box's software: facts are taken, and nothing comes down any more."""
        with self._lock:
            self._outdated = up_only

    def facts(self, now_s: float, outbox: int) -> LineFacts:
        """The numbers of this moment; `outbox` facts wait for the hub's signature."""
        with self._lock:
            while self._moves and now_s - self._moves[0][0] > RATE_OVER_S:
                self._moves.popleft()
            rate = 0.0
            if self._moves:
                rate = sum(n for _, n in self._moves) / max(0.2, now_s - self._moves[0][0])
            return LineFacts(
                connected=self._connected,
                last_ack_age_s=None if self._heard_at is None else max(0.0, now_s - self._heard_at),
                ack_delay_s=self._delay_s,
                slow_streak=self._slow if now_s - self._slow_at <= SLOW_STANDS_S else 0,
                silent_s=0.0 if self._asked_at is None else now_s - self._asked_at,
                cut_s=0.0 if self._cut_at is None else now_s - self._cut_at,
                outbox=outbox,
                delivered=self._delivered,
                drain_rate=rate,
                outdated=self._outdated,
            )
