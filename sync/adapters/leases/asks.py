"""What this start of a box asks the hub about leases, until it is answered. Nothing of it outlives the process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from sync.kernel.limits import RESEND_OTHER_S, RESEND_S_MAX
from sync.protocol.lease import COUNTED, NOT_NOW, WANT, Ask, LeaseWord


@dataclass(slots=True)
class Open:
    """An ask under way. `sent_ms`: the box's meter when it was first sent, from which a term counts."""

    ask: Ask
    sent_ms: int | None = None
    due_s: float = 0.0
    tries: int = 0


class Asks:
    """Numbered from 1 in one process. Times are of the monotonic clock. Thread-safe.

    `incarnation()` is the running one: an ask belongs to the one it was made in, and where that has ended in the middle
    of a process, what it still asked is forgotten. Whoever needs it asks again.
    """

    def __init__(self, incarnation: Callable[[], int]) -> None:
        self._running = incarnation
        self._asked_in = incarnation()
        self._request = 0
        self._open: dict[int, Open] = {}
        self._lock = threading.Lock()

    def want(
        self, kind: int, resource: str, units: int, lasts_s: int = 0, who: tuple[str, str, str] = ("", "", "")
    ) -> None:
        """Ask for a lease. `who`: actor, role, purpose."""
        with self._lock:
            incarnation = self._incarnation()
            self._request += 1
            ask = Ask(self._request, WANT, incarnation, kind, resource, units, lasts_s, *who)
            self._open[ask.request] = Open(ask)

    def about(self, verb: int, lease: bytes, used: int, spent_s: int, shown: bytes = b"") -> None:
        """Ask about a lease; once while the same question is open."""
        with self._lock:
            incarnation = self._incarnation()
            if any((row.ask.verb, row.ask.id) == (verb, lease) for row in self._open.values()):
                return
            self._request += 1
            ask = Ask(self._request, verb, incarnation, id=lease, used=used, spent_s=spent_s, shown=shown)
            self._open[ask.request] = Open(ask)

    def wanted(self, kind: int, resource: str) -> int:
        """How many asks for leases of this kind on this resource are open."""
        with self._lock:
            self._incarnation()
            asks = [row.ask for row in self._open.values() if row.ask.verb == WANT]
        return sum((ask.kind, ask.resource) == (kind, resource) for ask in asks)

    def due(self, meter_ms: int, now_s: float) -> list[Ask]:
        """What is to be sent now; each is counted as sent, and comes again until it is answered."""
        sent = []
        with self._lock:
            self._incarnation()
            for row in self._open.values():
                if row.due_s <= now_s:
                    row.sent_ms = meter_ms if row.sent_ms is None else row.sent_ms
                    row.due_s = now_s + min(RESEND_S_MAX, RESEND_OTHER_S * 2 ** min(row.tries, 10))
                    row.tries += 1
                    sent.append(row.ask)
        return sent

    def next_s(self) -> float | None:
        """When something is due again; None when everything is answered."""
        with self._lock:
            return min((row.due_s for row in self._open.values()), default=None)

    def hurry(self) -> None:
        """A line is there: what waits is due now."""
        with self._lock:
            for row in self._open.values():
                row.due_s = 0.0

    def answered(self, word: LeaseWord, now_s: float) -> Open | None:
        """The ask that a word answers, which is then done with unless the word is a "not now" with a time.

        What was not granted is asked for again under a new number: a term counts from when that was first sent, and an
        old ask that is still on its way can no longer lead to a lease here. What waits for a person keeps its number.
        """
        with self._lock:
            if word.answers is None or word.answers[0] != self._incarnation():
                return None
            row = self._open.get(word.answers[1])
            if row is None or row.sent_ms is None:
                return None
            again = word.standing == NOT_NOW and word.wait_s
            if again and row.ask.verb == WANT and row.ask.kind in COUNTED:
                row.due_s, row.tries = now_s + word.wait_s, 0
                return row
            del self._open[word.answers[1]]
            if again:
                self._request += 1
                ask = replace(row.ask, request=self._request)
                self._open[ask.request] = Open(ask, due_s=now_s + word.wait_s)
        return row

    def drop(self, lease: bytes) -> None:
        """Nothing more is to be asked about this lease."""
        with self._lock:
            self._open = {n: row for n, row in self._open.items() if row.ask.id != lease}

    def _incarnation(self) -> int:
        """Which one runs now; asks of an earlier one are dropped."""
        running = self._running()
        if running != self._asked_in:
            self._asked_in, self._open = running, {}
        return running
