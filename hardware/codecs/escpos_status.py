"""What an ESC/POS printer says of itself.

Source: Epson ESC/POS command reference, DLE EOT (real-time status), GS r (transmit status), GS a (automatic status).
"""

from __future__ import annotations

from typing import NamedTuple

from hardware.ports import PrinterStatus

QUESTIONS = (2, 4, 1)
"""DLE EOT n in the order they are asked: why it is offline comes before that it is."""
ERRORS = 3
"""DLE EOT n that tells which error it is; asked only of a printer that has one."""


def ask(n: int) -> bytes:
    return bytes([0x10, 0x04, n])


class RealTime(NamedTuple):
    """An answer to DLE EOT: bits 1 and 4 are 1, bits 0 and 7 are 0."""

    bits: int


class InOrder(NamedTuple):
    """An answer to GS r 1: bits 4 and 7 are 0."""

    bits: int

    @property
    def has_paper(self) -> bool:
        return not self.bits & 0x0C


class StatusReader:
    """Picks the answers out of what a printer sends.

    Flow control (XON 11h, XOFF 13h) and automatic-status blocks of four bytes are discarded, as is every byte whose
    fixed bits are wrong.
    """

    def __init__(self) -> None:
        self._skip = 0

    def feed(self, data: bytes) -> list[RealTime | InOrder]:
        found: list[RealTime | InOrder] = []
        for byte in data:
            if self._skip:
                self._skip -= 1
            elif byte & 0x93 == 0x12:
                found.append(RealTime(byte))
            elif byte & 0x93 == 0x10:
                self._skip = 3
            elif byte & 0x90 == 0:
                found.append(InOrder(byte))
        return found


def reason_of(n: int, bits: int) -> str:
    """What DLE EOT n's answer complains of, empty when nothing."""
    match n:
        case 1:
            return "offline" if bits & 0x08 else ""
        case 2:
            return "cover-open" if bits & 0x04 else "paper-out" if bits & 0x20 else "error" if bits & 0x40 else ""
        case 3:
            return "cutter" if bits & 0x08 else "error" if bits & 0x64 else ""
        case 4:
            return "paper-out" if bits & 0x60 else ""
    return ""


def near_end(bits: int) -> bool:
    """From DLE EOT 4: the roll is nearly used up."""
    return bool(bits & 0x0C)


def has_error(answers: dict[int, int]) -> bool:
    """Whether DLE EOT 2 spoke of an error, and of no cause that it knows itself."""
    return reason_of(2, answers.get(2, 0)) == "error"


def next_question(answers: dict[int, int]) -> int | None:
    """The n of the next DLE EOT; None when nothing is left to ask."""
    wanted = (*QUESTIONS, ERRORS) if has_error(answers) else QUESTIONS
    return next((n for n in wanted if n not in answers), None)


def status_of(answers: dict[int, int]) -> PrinterStatus:
    """Ready only when every one of `QUESTIONS` was answered without a complaint; no answer is unknown."""
    for n in (ERRORS, *QUESTIONS) if has_error(answers) else (*QUESTIONS, ERRORS):
        reason = reason_of(n, answers[n]) if n in answers else ""
        if reason:
            return PrinterStatus("attention", reason, near_end(answers.get(4, 0)))
    if any(n not in answers for n in QUESTIONS):
        return PrinterStatus("unknown", "silent")
    return PrinterStatus("ready", "", near_end(answers[4]))
