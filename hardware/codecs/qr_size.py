"""How large a QR code of a text will be, before a printer makes it.

Source: ISO/IEC 18004:2015, table 7 (data codewords), tables 2 and 3 (mode and count bits).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from sync.kernel.outcome import PeerFault

Level = Literal["M", "L"]
# fmt: off
CODEWORDS: dict[Level, tuple[int, ...]] = {
    "L": (19, 34, 55, 80, 108, 136, 156, 194, 232, 274, 324, 370, 428, 461, 523, 589, 647, 721, 795, 861, 932, 1006,
          1094, 1174, 1276, 1370, 1468, 1531, 1631, 1735, 1843, 1955, 2071, 2191, 2306, 2434, 2566, 2702, 2812, 2956),
    "M": (16, 28, 44, 64, 86, 108, 124, 154, 182, 216, 254, 290, 334, 365, 415, 453, 507, 563, 627, 669, 714, 782,
          860, 914, 1000, 1062, 1128, 1193, 1267, 1373, 1455, 1541, 1631, 1725, 1812, 1914, 1992, 2102, 2216, 2334),
}
# fmt: on
"""Data codewords of versions 1 to 40."""
ALPHANUMERIC = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")
MODULE_DOTS_MAX = 6
"""Three quarters of a millimetre: larger only makes the slip longer."""


class QrFit(NamedTuple):
    """Error correction level, modules a side (no quiet zone), dots a module."""

    level: Level
    modules: int
    module_dots: int


def modules(text: str, level: Level) -> int | None:
    """Modules a side of the smallest version that holds it in one mode, None when none does."""
    size = len(text)
    for version, codewords in enumerate(CODEWORDS[level], start=1):
        group = 0 if version < 10 else 1 if version < 27 else 2
        if text.isascii() and text.isdigit():
            bits = 4 + (10, 12, 14)[group] + size // 3 * 10 + (0, 4, 7)[size % 3]
        elif ALPHANUMERIC.issuperset(text):
            bits = 4 + (9, 11, 13)[group] + size // 2 * 11 + size % 2 * 6
        else:
            bits = 4 + (8, 16, 16)[group] + 8 * len(text.encode("utf-8"))
        if bits <= 8 * codewords:
            return 17 + 4 * version
    return None


def fit(text: str, width_dots: int, module_dots: int) -> QrFit:
    """The largest modules with which the code fits the printable width; level M, L only when M does not fit.

    The quiet zone beside it is the paper's own unprinted margin (4 mm or more on 58 and 80 mm rolls). Raises PeerFault
    `paper.code-too-large` when it fits at no level with modules of `module_dots`.
    """
    levels: tuple[Level, ...] = ("M", "L")
    for level in levels:
        size = modules(text, level)
        if size is not None and size * module_dots <= width_dots:
            return QrFit(level, size, max(module_dots, min(MODULE_DOTS_MAX, width_dots // size)))
    raise PeerFault("paper.code-too-large")
