"""What is said to an ESC/POS printer: how is it, and did the slip come out."""

from __future__ import annotations

from hardware.codecs import escpos_status
from hardware.codecs.escpos_out import END_HALF, PROOF
from hardware.codecs.escpos_status import InOrder, RealTime, StatusReader
from hardware.drivers.line_printer import Line, Look
from hardware.ports import PrinterStatus
from sync.kernel.outcome import Unavailable

LATE_S = 0.1
"""Within this the second of two answers that wait in the printer arrives."""


class EscposTalk:
    """A slip ends with `PROOF`; the answer to it proves that all before it came out."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._reader = StatusReader()

    def ask(self) -> PrinterStatus:
        return self._ask()[0]

    def send(self, paper: bytes) -> None:
        """Lets the printer first answer what an earlier slip asked, lest that answer be taken for this slip's proof.

        No answer: a box that was killed may have left half a command in the printer, which took the question for its
        rest.
        """
        self._line.say(PROOF)
        if self._proof() is None:
            self._line.say(END_HALF)
            self._line.say(PROOF)
            self._proof()
        self._proof(LATE_S)
        self._line.put(paper)

    def look(self) -> Look:
        if self._proof() is not None:
            return Look(PrinterStatus("unknown"), proved=True)
        status, proof = self._ask()
        return Look(status, proved=proof is not None)

    def _proof(self, within_s: float | None = None) -> InOrder | None:
        def in_order(data: bytes) -> InOrder | None:
            return next((answer for answer in self._reader.feed(data) if isinstance(answer, InOrder)), None)

        return self._line.hear(in_order, within_s)

    def _ask(self) -> tuple[PrinterStatus, InOrder | None]:
        """One round of real-time questions, each awaited before the next; beside it a proof that came meanwhile."""
        answers: dict[int, int] = {}
        proofs: list[InOrder] = []

        def real_time(data: bytes) -> int | None:
            bits = None
            for answer in self._reader.feed(data):
                if isinstance(answer, RealTime):
                    bits = answer.bits
                else:
                    proofs.append(answer)
            return bits

        while (n := escpos_status.next_question(answers)) is not None:
            try:
                self._line.say(escpos_status.ask(n))
                bits = self._line.hear(real_time)
            except Unavailable:
                if proofs:
                    break
                raise
            if bits is None:
                break
            answers[n] = bits
        return escpos_status.status_of(answers), proofs[0] if proofs else None
