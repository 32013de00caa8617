"""What is said to a TSPL label printer: how is it, and has it come past the label and rests."""

from __future__ import annotations

from collections.abc import Callable

from hardware.codecs.tspl import ASK_STATUS, END_HALF, AnswerReader, ask_in_order
from hardware.drivers.line_printer import SILENT, Line, Look
from hardware.drivers.questions import Questions
from hardware.ports import PrinterStatus

BETWEEN_S = 0.1
"""Between two questions while a label is coming out."""
WORD_LETTERS = 8


class TsplTalk:
    """Two answers together prove a label: the word behind it came back, and the printer neither prints nor complains.

    The word is asked for with `OUT` and told in order. Out of paper the printer keeps the label.
    `draw` gives [0, 1): each label has a word of its own, so that what an earlier one left in the line proves nothing.
    """

    def __init__(self, line: Line, draw: Callable[[], float]) -> None:
        self._line = line
        self._reader = AnswerReader()
        self._questions = Questions(line, ASK_STATUS, self._reader.feed)
        self._draw = draw
        self._word = ""

    def ask(self) -> PrinterStatus:
        """A box that was killed may have left half a command in the printer, which takes the question for its rest."""
        found = self._questions.ask()
        if found is None:
            self._line.say(END_HALF)
            self._questions.forgive()
            found = self._questions.ask()
        return found.status if found else SILENT

    def send(self, paper: bytes) -> None:
        self._word = "".join(chr(ord("A") + int(self._draw() * 26)) for _ in range(WORD_LETTERS))
        self._line.put(paper)
        self._line.say(ask_in_order(self._word))

    def look(self) -> Look:
        came = self._reader.has(self._word)
        found = self._questions.ask()
        if found is None:
            return Look(SILENT, proved=False)
        resting = found.status.state == "ready" and not found.printing
        # What was told before the word may be older than the label.
        if resting and came and self._questions.all_answered:
            return Look(found.status, proved=True)
        if not self._reader.has(self._word) or came:
            self._questions.listen(BETWEEN_S)
        return Look(found.status, False, resting)
