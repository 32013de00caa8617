"""A TSPL label printer: how it is, and one label at a time until the printer has come past it and rests."""

from __future__ import annotations

import time
from collections.abc import Callable

from hardware.codecs.tspl import ASK_STATUS, AnswerReader, TsplStatus, ask_in_order
from hardware.ports import ByteStream, Outcome, PrinterStatus
from sync.kernel.outcome import Unavailable

ANSWER_S = 2.0
SILENCE_S = 15.0
"""Without any answer for so long, or at rest without the word, nobody knows what came out."""
BETWEEN_S = 0.2
"""Between two questions while a label is coming out."""
WORD_LETTERS = 8


class TsplPrinter:
    """Opens the line for each question and each label.

    A label is confirmed by two answers together: the word behind it came back (`OUT`, in order), and the printer
    neither prints nor complains. `draw` gives [0, 1): each label has a word of its own, so that what an earlier one
    left in the line proves nothing.
    """

    def __init__(
        self,
        open_stream: Callable[[], ByteStream],
        dpi: int,
        draw: Callable[[], float],
        *,
        answer_s: float = ANSWER_S,
        silence_s: float = SILENCE_S,
        mono_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.dpi = dpi
        self._open_stream = open_stream
        self._draw = draw
        self._answer_s = answer_s
        self._silence_s = silence_s
        self._mono_s = mono_s

    def status(self) -> PrinterStatus:
        try:
            stream = self._open_stream()
        except Unavailable:
            return PrinterStatus("attention", "gone")
        try:
            found = self._ask(stream, AnswerReader())
            return found.status if found else PrinterStatus("unknown", "silent")
        except Unavailable:
            return PrinterStatus("unknown", "gone")
        finally:
            stream.close()

    def print_job(self, payload: bytes, attention: Callable[[str], None] = lambda reason: None) -> Outcome:
        """Out of paper it keeps the label; the wait goes on for as long as it answers."""
        try:
            stream = self._open_stream()
        except Unavailable:
            return Outcome("failed", "gone")
        sent = False
        try:
            reader = AnswerReader()
            before = self._ask(stream, reader)
            if before is None or before.status.state != "ready":
                return Outcome("failed", before.status.reason if before else "silent")
            word = "".join(chr(ord("A") + int(self._draw() * 26)) for _ in range(WORD_LETTERS))
            sent = True
            stream.write(payload + ask_in_order(word))
            return self._follow(stream, reader, word, attention)
        except Unavailable:
            return Outcome("unknown" if sent else "failed", "gone")
        finally:
            stream.close()

    def _follow(self, stream: ByteStream, reader: AnswerReader, word: str, attention: Callable[[str], None]) -> Outcome:
        heard_s = moved_s = self._mono_s()
        waiting = ""
        while True:
            found, now_s = self._ask(stream, reader), self._mono_s()
            if found is None:
                if now_s - heard_s >= self._silence_s:
                    return Outcome("unknown", "silent")
                continue
            heard_s, reason = now_s, found.status.reason
            if reason != waiting:
                waiting = reason
                attention(waiting)
            if found.printing or waiting:
                moved_s = now_s
            elif reader.has(word):
                return Outcome("confirmed")
            elif now_s - moved_s >= self._silence_s:
                return Outcome("unknown", "silent")
            reader.feed(stream.read(BETWEEN_S))

    def _ask(self, stream: ByteStream, reader: AnswerReader) -> TsplStatus | None:
        stream.write(ASK_STATUS)
        until_s = self._mono_s() + self._answer_s
        while (left_s := until_s - self._mono_s()) > 0:
            if found := reader.feed(stream.read(left_s)):
                return found[-1]
        return None
