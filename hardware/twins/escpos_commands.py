"""Bytes to ESC/POS commands, as far as a receipt printer's interpreter needs them.

Source: Epson ESC/POS command reference for TM printers; GB18030-2022 for the width of a character.
"""

from __future__ import annotations

from typing import NamedTuple

FIXED = {
    b"\x1b@": 0, b"\x1ba": 1, b"\x1bE": 1, b"\x1bd": 1, b"\x1bJ": 1, b"\x1b2": 0, b"\x1b3": 1, b"\x1bR": 1,
    b"\x1bt": 1, b"\x1b!": 1, b"\x1b-": 1, b"\x1bM": 1, b"\x1c&": 0, b"\x1c.": 0, b"\x1c!": 1, b"\x1d!": 1,
    b"\x1dh": 1, b"\x1dw": 1, b"\x1dH": 1, b"\x1df": 1, b"\x1dr": 1, b"\x1da": 1, b"\x1dL": 2, b"\x1dW": 2,
    b"\x10\x04": 1, b"\x10\x05": 1, b"\x1bp": 3,
}  # fmt: skip
"""Two-byte commands and how many bytes of parameters follow."""


class Command(NamedTuple):
    """`name` is the command's own bytes, `text` or `unknown`; `data` what belongs to it."""

    name: bytes
    data: bytes
    size: int


def next_command(buffer: bytes | bytearray, chinese: bool) -> Command | None:
    """The command at the front of `buffer`; None when it is not whole yet. NUL is one that does nothing."""
    if not buffer:
        return None
    first = buffer[0]
    if first >= 0x20:
        return _text(buffer, chinese)
    if first in (0x00, 0x0A):
        return Command(bytes([first]), b"", 1)
    if first not in b"\x10\x1b\x1c\x1d":
        return Command(b"unknown", bytes(buffer[:1]), 1)
    if len(buffer) < 2:
        return None
    head = bytes(buffer[:2])
    if head in FIXED:
        size = 2 + FIXED[head]
        return Command(head, bytes(buffer[2:size]), size) if len(buffer) >= size else None
    if head == b"\x1dV":
        return _counted(buffer, head, 3, 1 if len(buffer) > 2 and buffer[2] >= 0x41 else 0)
    if head == b"\x1dv":
        wide, high = (int.from_bytes(buffer[at : at + 2], "little") for at in (4, 6))
        return _counted(buffer, head, 8, wide * high)
    if head == b"\x1d(":
        return _counted(buffer, head, 5, int.from_bytes(buffer[3:5], "little"))
    if head == b"\x1dk" and len(buffer) > 2 and buffer[2] >= 65:
        return _counted(buffer, head, 4, buffer[3] if len(buffer) > 3 else 0)
    if head == b"\x1dk" and len(buffer) < 3:
        return None
    return Command(b"unknown", head, 2)


def _counted(buffer: bytes | bytearray, head: bytes, fixed: int, more: int) -> Command | None:
    """A command whose length stands in itself: `fixed` bytes of head, `more` of data."""
    if len(buffer) < fixed or len(buffer) < fixed + more:
        return None
    return Command(head, bytes(buffer[2 : fixed + more]), fixed + more)


def _text(buffer: bytes | bytearray, chinese: bool) -> Command | None:
    first = buffer[0]
    if first < 0x80 or not chinese:
        return Command(b"text", bytes(buffer[:1]), 1)
    if len(buffer) < 2:
        return None
    return Command(b"text", bytes(buffer[:2]), 2)
