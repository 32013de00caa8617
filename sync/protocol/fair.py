"""Whose message is taken next: urgent kinds first, and within a kind deficit round robin over nodes.

A node that had nothing waiting is *fresh*: it is served before those that keep the queue full, for one quantum, so a
lone fact does not wait a round of a thousand drains. One that comes and goes joins the others' round before it may be
fresh again, so nobody starves by it; and every eighth turn goes to the least urgent kind that waits.
Source: protocol way/1, section 4.10; fresh ones first: RFC 8290, section 4.2.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sync.kernel.ids import BULK, CONTROL, LIVE
from sync.kernel.limits import BACKLOG_FACTS, QUANTUM_BYTES
from sync.protocol import long_header

T = TypeVar("T")

LIVE_FACTS, WORDS, LIVE_BACKLOG, CONTROL_FACTS, BULK_FACTS = range(5)
"""Kinds, most urgent first: facts of now, then words. A thousand machines that greet at once are seconds of work."""

LEAST_EVERY = 8


def kind_of(raw: bytes) -> int:
    """The kind of a message that nobody has checked yet."""
    if raw[:4] != long_header.MAGIC or len(raw) < long_header.HEADER_BYTES:
        return WORDS
    of_now = not raw[long_header.FLAGS_AT] & long_header.BACKLOG and long_header.count_in(raw) < BACKLOG_FACTS
    live = LIVE_FACTS if of_now else LIVE_BACKLOG
    return {LIVE: live, CONTROL: CONTROL_FACTS, BULK: BULK_FACTS}.get(raw[long_header.LANE_AT], WORDS)


def said_in(raw: bytes) -> bytes:
    """What tells a message from one that says something else; nobody has checked it yet.

    A batch that was cut again is sealed and signed anew: which run of which stream it is, and of which chain, stays.
    """
    return raw[long_header.PLACE] if raw[:4] == long_header.MAGIC else raw


@dataclass(slots=True)
class _Flow(Generic[T]):
    """What one node has waiting of one kind; (bytes, what it says, message)."""

    items: deque[tuple[int, bytes, T]] = field(default_factory=deque)
    deficit: int = QUANTUM_BYTES


class _Round(Generic[T]):
    """Deficit round robin over the nodes of one kind. Every flow stands in exactly one of the two rows."""

    def __init__(self) -> None:
        self._flows: dict[str, _Flow[T]] = {}
        self._fresh: deque[str] = deque()
        self._others: deque[str] = deque()
        self.count = 0

    def put(self, node: str, size: int, said: bytes, item: T) -> None:
        if node not in self._flows:
            self._flows[node] = _Flow()
            self._fresh.append(node)
        self._flows[node].items.append((size, said, item))
        self.count += 1

    def take(self) -> tuple[str, int, bytes, T]:
        while True:
            row = self._fresh or self._others
            node = row[0]
            flow = self._flows[node]
            if flow.items and flow.deficit > 0:
                size, said, item = flow.items.popleft()
                flow.deficit -= size
                self.count -= 1
                return node, size, said, item
            row.popleft()
            if flow.items:
                flow.deficit += QUANTUM_BYTES
                self._others.append(node)
            elif row is self._fresh:
                self._others.append(node)
            else:
                del self._flows[node]


class FairQueue(Generic[T]):
    """What arrived and was not taken yet. Of one node and kind the order of arrival stays. Not thread-safe."""

    def __init__(self) -> None:
        self._rounds: tuple[_Round[T], ...] = tuple(_Round() for _ in range(BULK_FACTS + 1))
        self._held: Counter[str] = Counter()
        self._said: set[tuple[str, bytes]] = set()
        self._turn = 0
        self.bytes = 0

    def __len__(self) -> int:
        return sum(each.count for each in self._rounds)

    def held_bytes(self, node: str) -> int:
        """What waits of this node."""
        return self._held[node]

    def put(self, node: str, kind: int, size: int, item: T, said: bytes = b"") -> None:
        """`size` in bytes, at least 1. Where a message of the node that says the same (`said_in`) waits, this one goes.

        A node that hears nothing for two seconds sends again: a crowd would feed itself.
        """
        assert size > 0
        if said:
            if (node, said) in self._said:
                return
            self._said.add((node, said))
        self._rounds[kind].put(node, size, said, item)
        self._held[node] += size
        self.bytes += size

    def take(self) -> T:
        """The next one; there must be one."""
        waiting = [each for each in self._rounds if each.count]
        self._turn = (self._turn + 1) % LEAST_EVERY
        node, size, said, item = (waiting[0] if self._turn else waiting[-1]).take()
        self._said.discard((node, said))
        self.bytes -= size
        self._held[node] -= size
        if not self._held[node]:
            del self._held[node]
        return item
