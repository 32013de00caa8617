"""Who may send bulk and control facts now, and when the others may ask again: the hub's side of credit.

A credit is a window, not a sum: a node may have that much on the way until the next acknowledgement says otherwise, so
a lost or repeated one does no harm. A few nodes have their turn at once; a turn lasts a quantum, what was sent beyond
it is owed in the next. Live facts know nothing of this. Source: protocol way/1, sections 4.6 and 4.10.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from sync.kernel.limits import (
    CREDIT_BATCHES,
    CREDIT_BYTES,
    CREDIT_GOOD_S,
    CREDIT_NODES_MAX,
    NOT_BEFORE_S_MAX,
    NOT_BEFORE_S_MIN,
    QUANTUM_BYTES,
)

BATCHES_PER_S_AT_FIRST = 20.0
"""What a hub is believed to take until it has shown better: about ten thousand facts."""
_RATE_HALVES_S = 5.0


@dataclass(frozen=True, slots=True)
class Turn:
    """What a node may have on the way; nothing, and to be asked for again in `wait_s`, while others have theirs."""

    bytes: int
    batches: int
    wait_s: float
    good_for_s: int


@dataclass(slots=True)
class _Wish:
    """Facts that wait for credit, and how many bytes of the turn are left (below 0: owed)."""

    facts: int
    left: int = 0
    until_s: float = 0.0


class Granter:
    """The turns of one hub process. Times are monotonic seconds of one clock. Not thread-safe."""

    def __init__(self, nodes_max: int = CREDIT_NODES_MAX) -> None:
        self._nodes_max = nodes_max
        self._wishes: dict[str, _Wish] = {}
        self._row: deque[str] = deque()
        self._active: dict[str, None] = {}
        self._rate = BATCHES_PER_S_AT_FIRST
        self._taken_at_s: float | None = None

    @property
    def active(self) -> tuple[str, ...]:
        """Nodes that have their turn, longest first."""
        return tuple(self._active)

    @property
    def waiting(self) -> int:
        return len(self._row)

    def asked(self, node: str, facts: int, now_s: float) -> None:
        """A node's hello: so many bulk and control facts wait there. What it had on the way before is gone."""
        self._expire(now_s)
        if facts <= 0:
            self._forget(node)
        elif node in self._wishes:
            self._wishes[node].facts = facts
        else:
            self._wishes[node] = _Wish(facts)
            self._row.append(node)

    def taken(self, node: str, facts: int, size: int, now_s: float) -> None:
        """A batch of bulk or control facts of this node was taken."""
        self._measure(now_s)
        wish = self._wishes.get(node)
        if wish is None:
            return
        wish.facts -= facts
        wish.left -= size
        if wish.facts <= 0 and self._row:
            self._forget(node)
        elif wish.left <= 0 and node in self._active:
            if self._row:
                del self._active[node]
                self._row.append(node)
            else:
                wish.left = max(wish.left + QUANTUM_BYTES, 1)

    def waits(self, node: str, facts: int) -> None:
        """So many wait at a node by what all workers have taken: what it sent to another gives its place away here."""
        wish = self._wishes.get(node)
        if wish is not None and facts < wish.facts:
            wish.facts = facts
            if facts <= 0:
                self._forget(node)

    def admit(self, now_s: float) -> list[str]:
        """Give free places to those next in the row; who they are. They should be told."""
        self._expire(now_s)
        admitted = []
        while self._row and len(self._active) < self._nodes_max:
            node = self._row.popleft()
            wish = self._wishes[node]
            wish.left = min(wish.left + QUANTUM_BYTES, QUANTUM_BYTES)
            if wish.left <= 0:
                self._row.append(node)
                continue
            wish.until_s = now_s + CREDIT_GOOD_S
            self._active[node] = None
            admitted.append(node)
        return admitted

    def turn(self, node: str, now_s: float) -> Turn | None:
        """What to tell this node now; None when it asked for nothing."""
        wish = self._wishes.get(node)
        if wish is None:
            return None
        if node in self._active:
            wish.until_s = now_s + CREDIT_GOOD_S
            return Turn(CREDIT_BYTES, CREDIT_BATCHES, 0.0, CREDIT_GOOD_S)
        ahead = self._row.index(node) + 1
        wait_s = ahead * CREDIT_BATCHES / self._rate
        return Turn(0, 0, min(max(wait_s, NOT_BEFORE_S_MIN), NOT_BEFORE_S_MAX), CREDIT_GOOD_S)

    def _forget(self, node: str) -> None:
        if self._wishes.pop(node, None) is None:
            return
        if node in self._active:
            del self._active[node]
        else:
            self._row.remove(node)

    def _expire(self, now_s: float) -> None:
        """A place that nobody used is free again: its node is gone, or has nothing more."""
        for node in [node for node in self._active if self._wishes[node].until_s <= now_s]:
            self._forget(node)

    def _measure(self, now_s: float) -> None:
        """Batches a second, smoothed; a pause between two drains is no slowness."""
        before, self._taken_at_s = self._taken_at_s, now_s
        if before is None or now_s - before > 1.0:
            return
        span_s = max(now_s - before, 1e-4)
        share = min(1.0, span_s / _RATE_HALVES_S)
        self._rate += share * (1.0 / span_s - self._rate)
