"""A label in ZPL, and what a ZPL printer says of itself.

Lines that are not plain ASCII go out as images: few label printers have a Chinese font, and without one they print
boxes and say nothing. Source: Zebra, ZPL II Programming Guide: ^A, ^BC, ^BY, ^FH, ^FO, ^GF, ^JZ, ^LL, ^PW, ~HS, ~JX.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from hardware.codecs import code128
from hardware.codecs.label_layout import Layout, PlacedLine, drawn_size, lay_out
from hardware.ports import Bitmap, Draw, PrinterStatus
from sync.kernel.paper import Label

ASCII_WIDTH_SHARE = 0.5
"""Width of a character cell asked of the scalable font, as a share of its height."""

ASK_STATUS = b"~HS"
BEFORE_LABEL = b"~JX"
"""Forget the label of which only a part came, and nothing else: what follows would be put on the same label."""
PRINT_ANEW = "^JZY"
"""Stands in each label: what something stops halfway comes out anew."""
STATUS_BYTES_MAX = 512


def encode_label(label: Label, dpi: int, draw: Draw) -> bytes:
    """One label, `^XA` to `^XZ`. `dpi` 203 or 300.

    A line too long for the label gets smaller, never cut. Raises PeerFault `paper.code-too-wide`, `code128.text`.
    """
    at = lay_out(label, dpi)
    parts = [f"^XA^CI28{PRINT_ANEW}^PW{at.width}^LL{at.height}^LH0,0"]
    parts += [_line(line, at.left, at.inner, draw) for line in at.lines if line.text.strip()]
    parts.append(_code(label.code, at))
    return ("".join(parts) + "^XZ\n").encode("ascii")


def _line(line: PlacedLine, left: int, inner: int, draw: Draw) -> str:
    if line.text.isascii():
        high = min(line.high * 4 // 5, int(inner / (line.cells * ASCII_WIDTH_SHARE)))
        return f"^FO{left},{line.top}^A0N,{high},{round(high * ASCII_WIDTH_SHARE)}{_field(line.text)}"
    return f"^FO{left},{line.top}{encode_image(draw(line.text, *drawn_size(line, inner)))}^FS"


def _field(text: str) -> str:
    """Field data with ^, ~, \\ and _ spelt as hexadecimal, so that no text is a command."""
    return "^FH^FD" + re.sub(r"[\^~_\\]", lambda found: f"_{ord(found.group()):02X}", text) + "^FS"


def encode_image(bitmap: Bitmap) -> str:
    """`^GFA`: hexadecimal, most significant bit left, 1 is black."""
    return f"^GFA,{len(bitmap.rows)},{len(bitmap.rows)},{bitmap.row_bytes},{bitmap.rows.hex().upper()}"


def _code(text: str, at: Layout) -> str:
    data = ""
    for n, (code_set, part) in enumerate(code128.stretches(text)):
        data += {("B", True): ">:", ("C", True): ">;", ("B", False): ">6", ("C", False): ">5"}[code_set, n == 0]
        data += part.replace(">", ">0")
    return f"^FO{at.code_left},{at.code_top}^BY{at.module_dots}^BCN,{at.bar_dots},Y,N,N,N{_field(data)}"


class HostStatus(NamedTuple):
    """The parts of ~HS that say whether a label can come out, and whether it did."""

    paper_out: bool
    paused: bool
    formats_waiting: int
    partial_format: bool
    head_open: bool
    ribbon_out: bool
    labels_waiting: int

    @property
    def resting(self) -> bool:
        """Nothing is left to print."""
        return not (self.formats_waiting or self.labels_waiting)

    @property
    def idle(self) -> bool:
        """Nothing is left to print or to come: everything sent before the question came out."""
        return self.resting and not self.partial_format

    @property
    def status(self) -> PrinterStatus:
        # A printer out of paper pauses itself: the cause is told, not the pause.
        for reason, found in (
            ("head-open", self.head_open),
            ("paper-out", self.paper_out),
            ("ribbon-out", self.ribbon_out),
            ("paused", self.paused),
        ):
            if found:
                return PrinterStatus("attention", reason)
        return PrinterStatus("ready")


_LINE = rb"\x02([0-9A-Za-z,]{1,80})\x03"
_ANSWER = re.compile(rb"\s*".join([_LINE] * 3))


class HostStatusReader:
    """Finds answers to ~HS, each three lines between STX and ETX, in what comes piece by piece."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> list[HostStatus]:
        """Those that `data` made whole, oldest first."""
        self._held += data
        found = []
        while answer := _ANSWER.search(self._held):
            status = _host_status(answer[1].split(b","), answer[2].split(b","))
            # What is no answer may begin with the last lines of one.
            self._held = self._held[answer.end() if status else answer.end(1) :]
            found += [status] if status else []
        self._held = self._held[-STATUS_BYTES_MAX:]
        return found


def _host_status(head: list[bytes], tail: list[bytes]) -> HostStatus | None:
    if len(head) != 12 or len(tail) != 11:
        return None
    try:
        return HostStatus(
            paper_out=int(head[1]) != 0,
            paused=int(head[2]) != 0,
            formats_waiting=int(head[4]),
            partial_format=int(head[7]) != 0,
            head_open=int(tail[2]) != 0,
            ribbon_out=int(tail[3]) != 0,
            labels_waiting=int(tail[8]),
        )
    except ValueError:
        return None
