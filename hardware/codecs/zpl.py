"""A label in ZPL, and what a ZPL printer says of itself.

Lines that are not plain ASCII go out as images: few label printers have a Chinese font, and without one they print
boxes and say nothing. Source: Zebra, ZPL II Programming Guide: ^A, ^BC, ^BY, ^FH, ^FO, ^GF, ^LL, ^PW, ~HS.
"""

from __future__ import annotations

import itertools
import math
import re
from typing import NamedTuple

from hardware.codecs import code128, text_cells
from hardware.ports import Bitmap, Draw, PrinterStatus
from sync.kernel.paper import Label

DOTS_PER_MM = {203: 8.0, 300: 11.8}
MARGIN_MM = 2
CODE_SHARE = 0.32
CODE_TEXT_MM = 3.5
"""Under the bars the printer writes the code itself; this much is left for it."""
FIRST_LINE_MM_MAX, LINE_MM_MAX, LINE_MM_MIN = 9.0, 5.5, 2.0
MODULE_DOTS = 4
ASCII_WIDTH_SHARE = 0.5
"""Width of a character cell asked of the scalable font, as a share of its height."""

ASK_STATUS = b"~HS"
STATUS_BYTES_MAX = 512


def encode_label(label: Label, dpi: int, draw: Draw) -> bytes:
    """One label, `^XA` to `^XZ`. `dpi` 203 or 300.

    A line too long for the label gets smaller, never cut. Raises PeerFault `paper.code-too-wide`, `code128.text`.
    """
    per_mm = DOTS_PER_MM[dpi]
    width, height, margin = (round(mm * per_mm) for mm in (label.width_mm, label.height_mm, MARGIN_MM))
    inner = width - 2 * margin
    bar_dots = round(height * CODE_SHARE)
    code_top = height - margin - bar_dots - round(CODE_TEXT_MM * per_mm)
    wanted = [FIRST_LINE_MM_MAX, *[LINE_MM_MAX] * (len(label.lines) - 1)][: len(label.lines)]
    shrink = min(1.0, (code_top - margin) / (sum(wanted) * per_mm)) if wanted else 1.0
    parts, top = [f"^XA^CI28^PW{width}^LL{height}^LH0,0"], margin
    for text, height_mm in zip(map(text_cells.clean, label.lines), wanted, strict=True):
        line_dots = math.floor(height_mm * per_mm * shrink)
        parts.append(_line(text, inner, line_dots, margin, top, draw))
        top += line_dots
    parts.append(_code(label.code, inner, bar_dots, margin, code_top))
    return ("".join(parts) + "^XZ\n").encode("ascii")


def _line(text: str, inner: int, line_dots: int, left: int, top: int, draw: Draw) -> str:
    cells = max(1, text_cells.width(text))  # a mark without a letter under it is still drawn
    if not text.strip():
        return ""
    if text.isascii():
        high = min(line_dots * 4 // 5, int(inner / (cells * ASCII_WIDTH_SHARE)))
        return f"^FO{left},{top}^A0N,{high},{round(high * ASCII_WIDTH_SHARE)}{_field(text)}"
    cell_dots = min(line_dots * 2 // 5, inner // cells)
    return f"^FO{left},{top}{encode_image(draw(text, cells * cell_dots, cell_dots * 5 // 2))}^FS"


def _field(text: str) -> str:
    """Field data with ^, ~, \\ and _ spelt as hexadecimal, so that no text is a command."""
    return "^FH^FD" + re.sub(r"[\^~_\\]", lambda found: f"_{ord(found.group()):02X}", text) + "^FS"


def encode_image(bitmap: Bitmap) -> str:
    """`^GFA`: hexadecimal, most significant bit left, 1 is black."""
    return f"^GFA,{len(bitmap.rows)},{len(bitmap.rows)},{bitmap.row_bytes},{bitmap.rows.hex().upper()}"


def _code(text: str, inner: int, bar_dots: int, left: int, top: int) -> str:
    dots = code128.module_dots(text, inner, MODULE_DOTS)
    data = ""
    for at, (code_set, part) in enumerate(code128.stretches(text)):
        data += {("B", True): ">:", ("C", True): ">;", ("B", False): ">6", ("C", False): ">5"}[code_set, at == 0]
        data += part.replace(">", ">0")
    start = left + (inner - code128.modules(text) * dots) // 2
    return f"^FO{start},{top}^BY{dots}^BCN,{bar_dots},Y,N,N,N{_field(data)}"


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
