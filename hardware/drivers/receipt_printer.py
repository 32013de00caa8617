"""An ESC/POS printer: how it is, and one slip at a time with proof that it came out."""

from __future__ import annotations

import time
from collections.abc import Callable

from hardware.codecs import escpos_status
from hardware.codecs.escpos_out import PROOF
from hardware.codecs.escpos_status import InOrder, RealTime, StatusReader
from hardware.ports import ByteStream, Outcome, PrinterStatus
from sync.kernel.outcome import Unavailable

ANSWER_S = 1.5
"""A printer answers DLE EOT within some 100 ms; a slow radio link gets the rest."""
LATE_S = 0.1
"""Within this the second of two answers that wait in the printer arrives."""
SILENCE_S = 15.0
"""Without any answer for so long after a slip was sent, nobody knows what came out."""


class EscposPrinter:
    """Opens the line for each question and each slip, because such printers serve one client at a time."""

    def __init__(
        self,
        open_stream: Callable[[], ByteStream],
        width_dots: int,
        *,
        answer_s: float = ANSWER_S,
        silence_s: float = SILENCE_S,
        mono_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.width_dots = width_dots
        self._open_stream = open_stream
        self._answer_s = answer_s
        self._silence_s = silence_s
        self._mono_s = mono_s

    def status(self) -> PrinterStatus:
        try:
            stream = self._open_stream()
        except Unavailable:
            return PrinterStatus("attention", "gone")
        try:
            return self._ask(stream, StatusReader())[0]
        finally:
            stream.close()

    def print_slip(self, slip: bytes, attention: Callable[[str], None] = lambda reason: None) -> Outcome:
        """Send a slip that ends with `PROOF` and wait for the answer to it.

        While the printer says what it lacks (`attention`), the wait goes on for as long as it takes: it holds the rest
        of the slip and goes on by itself. `failed` only when it could not be opened or complained beforehand.
        """
        try:
            stream = self._open_stream()
        except Unavailable:
            return Outcome("failed", "gone")
        sent = False
        try:
            reader = StatusReader()
            before = self._ask(stream, reader)[0]
            if before.state != "ready":
                return Outcome("failed", before.reason)
            self._catch_up(stream, reader)
            sent = True
            return self._send(stream, reader, slip, attention)
        except Unavailable:
            return Outcome("unknown" if sent else "failed", "gone")
        finally:
            stream.close()

    print_job = print_slip

    def _catch_up(self, stream: ByteStream, reader: StatusReader) -> None:
        """Let the printer answer what an earlier slip asked, lest that answer be taken for this slip's proof."""
        stream.write(PROOF)
        if self._await(stream, reader, self._answer_s) is not None:
            self._await(stream, reader, LATE_S)

    def _send(self, stream: ByteStream, reader: StatusReader, slip: bytes, attention: Callable[[str], None]) -> Outcome:
        stream.write(slip)
        heard_s, waiting = self._mono_s(), ""
        proof = self._await(stream, reader, self._answer_s)
        while proof is None:
            status, proof = self._ask(stream, reader)
            if status.state != "unknown":
                heard_s = self._mono_s()
            if status.reason != waiting and status.state != "unknown":
                waiting = status.reason
                attention(waiting)
            if proof is None and self._mono_s() - heard_s >= self._silence_s:
                return Outcome("unknown", "silent")
            proof = proof or self._await(stream, reader, self._answer_s)
        if waiting:
            attention("")
        return Outcome("confirmed")

    def _await(self, stream: ByteStream, reader: StatusReader, within_s: float) -> InOrder | None:
        until_s = self._mono_s() + within_s
        while (left_s := until_s - self._mono_s()) > 0:
            for answer in reader.feed(stream.read(left_s)):
                if isinstance(answer, InOrder):
                    return answer
        return None

    def _ask(self, stream: ByteStream, reader: StatusReader) -> tuple[PrinterStatus, InOrder | None]:
        """One round of real-time questions, each awaited before the next; beside it a proof that came meanwhile."""
        answers: dict[int, int] = {}
        proof: InOrder | None = None
        while (n := escpos_status.next_question(answers)) is not None:
            try:
                stream.write(escpos_status.ask(n))
                until_s = self._mono_s() + self._answer_s
                while n not in answers and (left_s := until_s - self._mono_s()) > 0:
                    for answer in reader.feed(stream.read(left_s)):
                        if isinstance(answer, RealTime):
                            answers[n] = answer.bits
                        else:
                            proof = answer
            except Unavailable:
                if proof is not None:
                    break
                raise
            if n not in answers:
                break
        return escpos_status.status_of(answers), proof
