"""How a text becomes Code 128: which stretch in which set, and how wide that is.

Source: ISO/IEC 15417:2007, sections 4.3 (sets B and C, checksum) and annex E (pairs of digits in set C).
"""

from __future__ import annotations

import re
from typing import Literal

from sync.kernel.outcome import PeerFault

CodeSet = Literal["B", "C"]
START_CHECK_STOP_MODULES = 11 + 11 + 13
DIGITS = re.compile(r"[0-9]{4,}")


def stretches(text: str) -> list[tuple[CodeSet, str]]:
    """Runs of four digits or more go in pairs (set C), everything else letter by letter (set B).

    Raises PeerFault `code128.text` on what is no printable ASCII, or nothing.
    """
    if not text or not all(" " <= char <= "~" for char in text):
        raise PeerFault("code128.text")
    found: list[tuple[CodeSet, str]] = []
    at = 0
    for run in DIGITS.finditer(text):
        start = run.start() + len(run.group()) % 2
        if start > at:
            found.append(("B", text[at:start]))
        found.append(("C", text[start : run.end()]))
        at = run.end()
    return found + ([("B", text[at:])] if at < len(text) else [])


def modules(text: str) -> int:
    """Width in modules, without quiet zones."""
    parts = stretches(text)
    symbols = sum(len(part) if code_set == "B" else len(part) // 2 for code_set, part in parts) + len(parts) - 1
    return START_CHECK_STOP_MODULES + 11 * symbols


def module_dots(text: str, width_dots: int, wanted_dots: int) -> int:
    """The widest module up to `wanted_dots` with which the code and its quiet zones (10 modules a side) fit.

    Not below 2 dots, which is a quarter millimetre at 203 dpi: raises PeerFault `paper.code-too-wide`.
    """
    for dots in range(wanted_dots, 1, -1):
        if (modules(text) + 20) * dots <= width_dots:
            return dots
    raise PeerFault("paper.code-too-wide")
