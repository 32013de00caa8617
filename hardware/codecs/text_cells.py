"""How wide text is on a receipt, in half cells (a Latin letter one, a Chinese character two), and where it breaks."""

from __future__ import annotations

import unicodedata

NARROW_UNTIL = 0x0600
"""Latin, Greek, Cyrillic, Armenian and Hebrew stand in one half cell."""
NARROW_AGAIN = range(0x1E00, 0x2070)
"""So do Latin Extended Additional (Vietnamese), Greek Extended and general punctuation."""


def clean(text: str) -> str:
    """Control characters become spaces, invisible ones (joiners, direction marks) go: paper has one direction."""
    kept = (" " if unicodedata.category(char) == "Cc" else char for char in text)
    return "".join(char for char in kept if unicodedata.category(char) != "Cf")


def printer_has(char: str) -> bool:
    """Whether a printer with GB2312 in its font prints it as it is: ASCII, or two bytes of that set.

    Not so its Latin, Greek and Cyrillic letters: they come a whole character wide and pull a name apart.
    """
    if " " <= char <= "~":
        return True
    if ord(char) < NARROW_UNTIL and char.isalpha():
        return False
    try:
        return len(char.encode("gb2312")) == 2
    except UnicodeEncodeError:
        return False


def cells(char: str) -> int:
    """Half cells of one character: 0 for a mark that stands on the one before it."""
    if " " <= char <= "~":
        return 1
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    if printer_has(char):
        return 2
    return 1 if ord(char) < NARROW_UNTIL or ord(char) in NARROW_AGAIN else 2


def width(text: str) -> int:
    return sum(map(cells, text))


def clusters(text: str) -> list[str]:
    """Each character with the marks that stand on it."""
    found: list[str] = []
    for char in text:
        if found and cells(char) == 0:
            found[-1] += char
        else:
            found.append(char)
    return found


def wrap(text: str, columns: int) -> list[str]:
    """Lines of at most `columns` half cells; nothing is cut off. An empty text is one empty line."""
    lines, used = [""], 0
    for cluster in clusters(text):
        if used + width(cluster) > columns and lines[-1]:
            lines.append("")
            used = 0
        lines[-1] += cluster
        used += width(cluster)
    return lines


def two_columns(left: str, right: str, columns: int) -> list[str]:
    """Left text and right text, the right one at the edge of the last line and never cut when it fits a line at all."""
    lines = wrap(left, columns)
    if width(lines[-1]) + 1 + width(right) > columns and lines[-1]:
        lines.append("")
    gap = columns - width(lines[-1]) - width(right)
    if gap < 0:
        return [*(line for line in lines if line), *wrap(right, columns)]
    return [*lines[:-1], lines[-1] + " " * gap + right]
