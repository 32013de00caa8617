"""Where the lines and the code of a label stand, in dots from its top left, for every language of label printers."""

from __future__ import annotations

import math
from typing import NamedTuple

from hardware.codecs import code128, text_cells
from sync.kernel.paper import Label

DOTS_PER_MM = {203: 8.0, 300: 11.8}
MARGIN_MM = 2
CODE_SHARE = 0.32
CODE_TEXT_MM = 3.5
"""Under the bars the printer writes the code itself; this much is left for it."""
FIRST_LINE_MM_MAX, LINE_MM_MAX = 9.0, 5.5
MODULE_DOTS = 4


class PlacedLine(NamedTuple):
    """A cleaned line and the box it stands in; `cells` are its half cells, at least one."""

    text: str
    top: int
    high: int
    cells: int


class Layout(NamedTuple):
    """`left` is the margin, `inner` what is between both; the bars begin at (`code_left`, `code_top`)."""

    width: int
    height: int
    left: int
    inner: int
    lines: tuple[PlacedLine, ...]
    code_left: int
    code_top: int
    bar_dots: int
    module_dots: int


def lay_out(label: Label, dpi: int) -> Layout:
    """`dpi` 203 or 300. Lines that are too many get lower, none is left out.

    Raises PeerFault `paper.code-too-wide`, `code128.text`.
    """
    per_mm = DOTS_PER_MM[dpi]
    width, height, margin = (round(mm * per_mm) for mm in (label.width_mm, label.height_mm, MARGIN_MM))
    inner = width - 2 * margin
    bar_dots = round(height * CODE_SHARE)
    code_top = height - margin - bar_dots - round(CODE_TEXT_MM * per_mm)
    wanted = [FIRST_LINE_MM_MAX, *[LINE_MM_MAX] * (len(label.lines) - 1)][: len(label.lines)]
    shrink = min(1.0, (code_top - margin) / (sum(wanted) * per_mm)) if wanted else 1.0
    lines, top = [], margin
    for text, height_mm in zip(map(text_cells.clean, label.lines), wanted, strict=True):
        high = math.floor(height_mm * per_mm * shrink)
        # a mark without a letter under it is still drawn
        lines.append(PlacedLine(text, top, high, max(1, text_cells.width(text))))
        top += high
    module = code128.module_dots(label.code, inner, MODULE_DOTS)
    code_left = margin + (inner - code128.modules(label.code) * module) // 2
    return Layout(width, height, margin, inner, tuple(lines), code_left, code_top, bar_dots, module)


def drawn_size(line: PlacedLine, inner: int) -> tuple[int, int]:
    """Width and height in dots at which a line is drawn as an image: as tall as its box allows, never wider than it."""
    cell_dots = min(line.high * 2 // 5, inner // line.cells)
    return line.cells * cell_dots, -(-cell_dots * 5 // 2)
