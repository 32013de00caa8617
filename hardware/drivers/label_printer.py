"""What is said to a ZPL label printer: how is it, and is anything left in it to print."""

from __future__ import annotations

from hardware.codecs.zpl import ASK_STATUS, BEFORE_LABEL, HostStatusReader
from hardware.drivers.line_printer import SILENT, Line, Look
from hardware.drivers.questions import Questions
from hardware.ports import PrinterStatus

BETWEEN_S = 0.1
"""Between two questions while a label is coming out."""


class ZplTalk:
    """A label came out when the printer, asked after it, holds nothing more to print. Out of paper it keeps it."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._questions = Questions(line, ASK_STATUS, HostStatusReader().feed)

    def ask(self) -> PrinterStatus:
        found = self._questions.ask()
        return found.status if found else SILENT

    def send(self, paper: bytes) -> None:
        """A box that was killed may have left half a label in the printer."""
        self._line.say(BEFORE_LABEL)
        self._line.put(paper)

    def look(self) -> Look:
        found = self._questions.ask()
        if found is None:
            return Look(SILENT, proved=False)
        ready = found.status.state == "ready"
        if ready and found.idle and self._questions.all_answered:
            return Look(found.status, proved=True)
        self._questions.listen(BETWEEN_S)
        return Look(found.status, False, ready and found.resting)
