"""What is said to a ZPL label printer: how is it, and is anything left in it to print."""

from __future__ import annotations

from hardware.codecs.zpl import ASK_STATUS, STATUS_BYTES_MAX, HostStatus, decode_host_status
from hardware.drivers.line_printer import SILENT, Line, Look
from hardware.ports import PrinterStatus

BETWEEN_S = 0.2
"""Between two questions while a label is coming out."""


class ZplTalk:
    """A label came out when the printer, asked after it, holds nothing more to print. Out of paper it keeps it."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def ask(self) -> PrinterStatus:
        found = self._ask()
        return found.status if found else SILENT

    def send(self, paper: bytes) -> None:
        self._line.put(paper)

    def look(self) -> Look:
        found = self._ask()
        if found is None:
            return Look(SILENT, proved=False)
        proved = found.idle and found.status.state == "ready"
        if not proved:
            self._line.stream.read(BETWEEN_S)
        return Look(found.status, proved)

    def _ask(self) -> HostStatus | None:
        self._line.say(ASK_STATUS)
        held = b""

        def whole(data: bytes) -> HostStatus | None:
            nonlocal held
            held = (held + data)[-STATUS_BYTES_MAX:]
            return decode_host_status(held) if held.count(b"\x03") >= 3 else None

        return self._line.hear(whole)
