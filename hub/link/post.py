"""What waits for nodes: answers that no request asked for, and the news that a feed has moved.

Everything here is a wake-up that may be lost: an acknowledgement is repeated, a head is asked for again.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable

WAITING_MAX = 15
"""Messages kept for one node, so that they and a head fit one answer; the oldest goes first."""

Publish = Callable[[str, bytes], None]
"""(node, message) -> sent on a carrier that reaches the node without being asked."""


class Post:
    """Boxes for long polls, and a bell. Thread-safe."""

    def __init__(self) -> None:
        self._bell = threading.Condition()
        self._boxes: dict[str, deque[bytes]] = {}
        self._moved: dict[str, int] = {}
        self._told: dict[str, int] = {}
        self._asking: dict[str, int] = {}
        self._count = 0
        self._open = True
        self._publish: Publish | None = None

    def reach_by(self, publish: Publish | None) -> None:
        """A carrier that pushes; None when it is gone."""
        self._publish = publish

    def deliver(self, node: str, messages: Iterable[bytes]) -> None:
        """Give a node messages it did not ask for."""
        publish = self._publish
        with self._bell:
            box = self._boxes.get(node)
            for each in messages:
                if box is not None:
                    box.append(each)
                if publish is not None:
                    publish(node, each)
            self._bell.notify_all()

    def moved(self, labels: Iterable[str]) -> None:
        """These feeds have new entries."""
        with self._bell:
            self._count += 1
            for label in labels:
                self._moved[label] = self._count
            self._bell.notify_all()

    def wait(self, node: str, labels: frozenset[str], wait_s: float) -> tuple[list[bytes], frozenset[str]]:
        """Messages and moved scopes of a node, as soon as there are any; empty after `wait_s`.

        A node that asks the first time hears of nothing before: it takes a round of its own after the welcome. One
        that asks again while it waits has lost its line: the earlier question is given up.
        """
        with self._bell:
            box = self._boxes.setdefault(node, deque(maxlen=WAITING_MAX))
            told = self._told.setdefault(node, self._count)
            mine = self._asking[node] = self._asking.get(node, 0) + 1
            self._bell.notify_all()
            self._bell.wait_for(
                lambda: (
                    not self._open
                    or self._asking[node] != mine
                    or box
                    or any(self._moved.get(label, 0) > told for label in labels)
                ),
                wait_s,
            )
            if self._asking[node] != mine:
                return [], frozenset()
            moved = frozenset(label for label in labels if self._moved.get(label, 0) > told)
            self._told[node] = self._count
            messages = list(box)
            box.clear()
        return messages, moved

    def close(self) -> None:
        """End all waiting."""
        with self._bell:
            self._open = False
            self._bell.notify_all()
