"""Questions to a printer that keeps no count of its own: whether every one of them was answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from hardware.drivers.line_printer import Line

T = TypeVar("T")


class Questions(Generic[T]):
    """The same question again and again over one opening; `read` gives the answers that a piece of the line holds.

    On a cable a printer that lost its power in the middle of a paper comes back at rest, as one does that has printed
    it. It has answered nothing meanwhile, so what it says of itself proves something only while nothing is owed.
    """

    def __init__(self, line: Line, question: bytes, read: Callable[[bytes], list[T]]) -> None:
        self._line = line
        self._question = question
        self._read = read
        self._owed = 0

    @property
    def all_answered(self) -> bool:
        return self._owed == 0

    def forgive(self) -> None:
        """What was asked so far was no question to the printer, or needs no answer any more."""
        self._owed = 0

    def ask(self) -> T | None:
        """The answer; an older one that is late, where this one is not in time; or none."""
        self._owed += 1
        self._line.say(self._question)
        latest: list[T] = []

        def heard(data: bytes) -> T | None:
            latest[:] = [*latest, *self._told(data)][-1:]
            return latest[0] if latest and self.all_answered else None

        return self._line.hear(heard) or (latest[0] if latest else None)

    def listen(self, within_s: float) -> None:
        """To what comes by itself or late."""
        self._told(self._line.stream.read(within_s))

    def _told(self, data: bytes) -> list[T]:
        found = self._read(data)
        self._owed = max(0, self._owed - len(found))
        return found
