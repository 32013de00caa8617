"""What a slip or a label says, before any printer has a word in it.

The domain writes these (`sync.domain.*.papers`), `hardware.codecs` turns them into a printer's bytes. Text is any
Unicode; whoever renders it prints what no font has as its code point in a box.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Align = Literal["left", "centre", "right"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text. `size` 1 is the printer's normal height, 2 twice as wide and tall. Too long: it wraps."""

    text: str
    size: Literal[1, 2] = 1
    bold: bool = False
    align: Align = "left"


@dataclass(frozen=True, slots=True)
class Columns:
    """Left text and right text on one line; the right one is never cut."""

    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the paper."""


@dataclass(frozen=True, slots=True)
class Feed:
    """Blank paper."""

    lines: int = 1


@dataclass(frozen=True, slots=True)
class Code2d:
    """A QR code. `text` is of the QR alphanumeric set where the caller wants that density; modules >= 0.5 mm."""

    text: str
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Code128:
    """A one-dimensional code of printable ASCII, with its text below."""

    text: str


@dataclass(frozen=True, slots=True)
class OpenDrawer:
    """The cash drawer that hangs on the printer opens when the paper has come so far; other printers pass it by."""


Block = Line | Columns | Rule | Feed | Code2d | Code128 | OpenDrawer


@dataclass(frozen=True, slots=True)
class Slip:
    """A receipt from top to bottom; the printer cuts (or feeds to the tear bar) after the last block."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Label:
    """A sticky label: text lines from the top (first one largest), one Code 128 at the foot."""

    width_mm: int
    height_mm: int
    lines: tuple[str, ...]
    code: str


def lacking(missing: Sequence[str]) -> tuple[str, ...]:
    """The line that marks paper on which characters stand as their code points; none where nothing is missing."""
    return ("缺字 / missing: " + " ".join(f"U+{ord(char):04X}" for char in missing),) if missing else ()


def slip_texts(slip: Slip) -> Iterator[str]:
    """Every text of a slip that a person reads and a font must have."""
    for block in slip.blocks:
        match block:
            case Line():
                yield block.text
            case Columns():
                yield from (block.left, block.right)
            case Code2d():
                yield block.caption
            case Code128() | Rule() | Feed() | OpenDrawer():
                pass
