"""A ZPL label printer: how it is, and one label at a time until it says that nothing is left to print."""

from __future__ import annotations

import time
from collections.abc import Callable

from hardware.codecs.zpl import ASK_STATUS, STATUS_BYTES_MAX, HostStatus, decode_host_status
from hardware.ports import ByteStream, Outcome, PrinterStatus
from sync.kernel.outcome import Unavailable

ANSWER_S = 2.0
SILENCE_S = 15.0
BETWEEN_S = 0.2
"""Between two questions while a label is coming out."""


class ZplPrinter:
    """Opens the line for each question and each label."""

    def __init__(
        self,
        open_stream: Callable[[], ByteStream],
        dpi: int,
        *,
        answer_s: float = ANSWER_S,
        silence_s: float = SILENCE_S,
        mono_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.dpi = dpi
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
            found = self._ask(stream)
            return found.status if found else PrinterStatus("unknown", "silent")
        except Unavailable:
            return PrinterStatus("unknown", "gone")
        finally:
            stream.close()

    def print_label(self, label: bytes, attention: Callable[[str], None] = lambda reason: None) -> Outcome:
        """Confirmed when the printer, asked after the label, holds nothing more to print.

        Out of paper it keeps the label; the wait goes on for as long as it answers.
        """
        try:
            stream = self._open_stream()
        except Unavailable:
            return Outcome("failed", "gone")
        sent = False
        try:
            before = self._ask(stream)
            if before is None or before.status.state != "ready":
                return Outcome("failed", before.status.reason if before else "silent")
            sent = True
            stream.write(label)
            return self._follow(stream, attention)
        except Unavailable:
            return Outcome("unknown" if sent else "failed", "gone")
        finally:
            stream.close()

    print_job = print_label

    def _follow(self, stream: ByteStream, attention: Callable[[str], None]) -> Outcome:
        heard_s, waiting = self._mono_s(), ""
        while True:
            found = self._ask(stream)
            if found is not None:
                heard_s = self._mono_s()
                if found.status.reason != waiting:
                    waiting = found.status.reason
                    attention(waiting)
                if found.idle and not waiting:
                    return Outcome("confirmed")
                stream.read(BETWEEN_S)
            elif self._mono_s() - heard_s >= self._silence_s:
                return Outcome("unknown", "silent")

    def _ask(self, stream: ByteStream) -> HostStatus | None:
        stream.write(ASK_STATUS)
        until_s, held = self._mono_s() + self._answer_s, b""
        while (left_s := until_s - self._mono_s()) > 0:
            held = (held + stream.read(left_s))[-STATUS_BYTES_MAX:]
            found = decode_host_status(held)
            if found is not None and held.count(b"\x03") >= 3:
                return found
        return None
