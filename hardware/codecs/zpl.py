"""A label in ZPL, and what a ZPL printer says of itself.

Lines that are not plain ASCII go out as images: few label printers have a Chinese font, and without one they print
boxes and say nothing. Source: Zebra, ZPL II Programming Guide: ^A, ^BC, ^BY, ^FH, ^FO, ^GF, ^LL, ^PW, ~HS.
"""

from __future__ import annotations

import itertools
import re
from typing import NamedTuple

from hardware.codecs import code128
from hardware.codecs.label_layout import Layout, PlacedLine, drawn_size, lay_out
from hardware.ports import Bitmap, Draw, PrinterStatus
from sync.kernel.paper import Label

ASCII_WIDTH_SHARE = 0.5
"""Width of a character cell asked of the scalable font, as a share of its height."""

ASK_STATUS = b"~HS"
STATUS_BYTES_MAX = 512


def encode_label(label: Label, dpi: int, draw: Draw) -> bytes:
    """One label, `^XA` to `^XZ`. `dpi` 203 or 300.

    A line too long for the label gets smaller, never cut. Raises PeerFault `paper.code-too-wide`, `code128.text`.
    """
    at = lay_out(label, dpi)
    parts = [f"^XA^CI28^PW{at.width}^LL{at.height}^LH0,0"]
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
    def idle(self) -> bool:
        """Nothing is left to print: everything sent before the question came out."""
        return not (self.formats_waiting or self.partial_format or self.labels_waiting)

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


def decode_host_status(data: bytes) -> HostStatus | None:
    """The first whole answer to ~HS in `data`: three lines, each between STX and ETX. None when there is none."""
    lines = re.findall(rb"\x02([0-9A-Za-z,]{1,80})\x03", data[:STATUS_BYTES_MAX])
    for first, second in itertools.pairwise(lines):
        head, tail = first.split(b","), second.split(b",")
        if len(head) != 12 or len(tail) != 11:
            continue
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
            continue
    return None
