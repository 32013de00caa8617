"""Bitmaps: bolder, in bands, and free of what a printer could take for a command."""

from __future__ import annotations

from collections.abc import Iterator

from hardware.ports import Bitmap

REAL_TIME = (b"\x10\x04", b"\x10\x05", b"\x10\x14")
"""Some models obey these even inside image data. Source: ESC/POS command reference, DLE EOT, DLE ENQ, DLE DC4."""


def embolden(bitmap: Bitmap) -> Bitmap:
    """Every black dot also blackens its right neighbour."""
    step, rows = bitmap.row_bytes, bytearray()
    spare = step * 8 - bitmap.width_dots
    for start in range(0, len(bitmap.rows), step):
        row = int.from_bytes(bitmap.rows[start : start + step], "big")
        rows += ((row | row >> 1) >> spare << spare).to_bytes(step, "big")
    return Bitmap(bitmap.width_dots, bitmap.height_dots, bytes(rows))


def bands(bitmap: Bitmap, height_dots: int) -> Iterator[Bitmap]:
    """The bitmap in pieces from top to bottom, each at most `height_dots` high."""
    for top in range(0, bitmap.height_dots, height_dots):
        high = min(height_dots, bitmap.height_dots - top)
        yield Bitmap(bitmap.width_dots, high, bitmap.rows[top * bitmap.row_bytes : (top + high) * bitmap.row_bytes])


def without_commands(data: bytes) -> bytes:
    """The same dots, with one more (an eighth of a millimetre) wherever they would spell a real-time command."""
    for pair in REAL_TIME:
        data = data.replace(pair, bytes([0x10, pair[1] | 0x08]))
    return data
