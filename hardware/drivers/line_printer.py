"""A printer on a line of its own: asked how it is, told one paper, and followed until it proves that it came out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from hardware.ports import ByteStream, Outcome, PrinterStatus
from sync.kernel.outcome import Unavailable

ANSWER_S = 2.0
"""A printer answers a question about its state within some 100 ms; a slow radio link gets the rest."""
SILENCE_S = 15.0
"""Without any answer for so long after a paper was sent, or at rest without a proof, nobody knows what came out."""
SILENT = PrinterStatus("unknown", "silent")

T = TypeVar("T")


@dataclass(slots=True)
class Line:
    """One opening of the line to a printer. `papered`: something that it prints may have left."""

    stream: ByteStream
    answer_s: float
    mono_s: Callable[[], float]
    papered: bool = False

    def say(self, data: bytes) -> None:
        """What is never printed."""
        self.stream.write(data)

    def put(self, paper: bytes) -> None:
        self.papered = True
        self.stream.write(paper)

    def hear(self, understood: Callable[[bytes], T | None], within_s: float | None = None) -> T | None:
        """What the printer sends, piece by piece, until it is understood; None when it was not in time."""
        until_s = self.mono_s() + (self.answer_s if within_s is None else within_s)
        while (left_s := until_s - self.mono_s()) > 0:
            if (found := understood(self.stream.read(left_s))) is not None:
                return found
        return None


@dataclass(frozen=True, slots=True)
class Look:
    """A printer while a paper is in it. `resting`: it does nothing and lacks nothing, so that no proof will come."""

    status: PrinterStatus
    proved: bool
    resting: bool = False


class Talk(Protocol):
    """A printer's language over one opening. Each may raise `Unavailable`: the line broke."""

    def ask(self) -> PrinterStatus: ...

    def send(self, paper: bytes) -> None:
        """Called once, of a printer that said it is ready."""

    def look(self) -> Look:
        """Called again and again after `send`; takes a moment each time."""


class LinePrinter:
    """Opens the line for each question and each paper, because such printers serve one client at a time."""

    def __init__(
        self,
        open_stream: Callable[[], ByteStream],
        talk: Callable[[Line], Talk],
        *,
        answer_s: float = ANSWER_S,
        silence_s: float = SILENCE_S,
        mono_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open_stream = open_stream
        self._talk = talk
        self._answer_s = answer_s
        self._silence_s = silence_s
        self._mono_s = mono_s

    def status(self) -> PrinterStatus:
        try:
            stream = self._open_stream()
        except Unavailable:
            return PrinterStatus("attention", "gone")
        try:
            return self._talk(Line(stream, self._answer_s, self._mono_s)).ask()
        except Unavailable:
            return PrinterStatus("unknown", "gone")
        finally:
            stream.close()

    def print_job(self, payload: bytes, attention: Callable[[str], None] = lambda reason: None) -> Outcome:
        """`failed` only when it could not be opened or complained beforehand.

        While the printer says what it lacks (`attention`), the wait goes on for as long as it takes: it holds the rest
        and goes on by itself.
        """
        try:
            stream = self._open_stream()
        except Unavailable:
            return Outcome("failed", "gone")
        line = Line(stream, self._answer_s, self._mono_s)
        try:
            talk = self._talk(line)
            before = talk.ask()
            if before.state != "ready":
                return Outcome("failed", before.reason)
            talk.send(payload)
            return self._follow(talk, attention)
        except Unavailable:
            return Outcome("unknown" if line.papered else "failed", "gone")
        finally:
            stream.close()

    def _follow(self, talk: Talk, attention: Callable[[str], None]) -> Outcome:
        heard_s = moved_s = self._mono_s()
        waiting = ""
        while True:
            look, now_s = talk.look(), self._mono_s()
            if look.status.state != "unknown":
                heard_s = now_s
                if look.status.reason != waiting:
                    waiting = look.status.reason
                    attention(waiting)
            if look.proved:
                if waiting:
                    attention("")
                return Outcome("confirmed")
            if not look.resting:
                moved_s = now_s
            if now_s - min(heard_s, moved_s) >= self._silence_s:
                return Outcome("unknown", "silent")
