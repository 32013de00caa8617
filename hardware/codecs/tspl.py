"""A label in TSPL, and what a TSPL printer says of itself.

Every line goes out as an image: the fonts of these printers differ from model to model, and one that lacks a character
leaves it out in silence. Only the bar code is the printer's own, because it is crisp at whole dots anyway.
Source: TSC, TSPL/TSPL2 Programming Manual, 2013: SIZE, GAP, DIRECTION, CLS, BITMAP, BARCODE,
PRINT, OUT, SET REPRINT, <ESC>!?.
Looked at on no real printer yet: which clones answer OUT is not known, see the profile's checklist.
"""

from __future__ import annotations

from typing import NamedTuple

from hardware.codecs.label_layout import drawn_size, lay_out
from hardware.ports import Bitmap, Draw, PrinterStatus
from sync.kernel.paper import Label

GAP_MM = 2
BAND_BYTES_MAX = 2048
"""Of one BITMAP, so that few bytes bring half a label to its end."""
END_HALF = b"\r\n" * (BAND_BYTES_MAX // 2 + 1)
"""Ends the command of which only a part came, whatever it is, and says nothing else: its rest would be taken from what
follows. Nothing of it is on the next label, which begins with CLS."""
ASK_STATUS = b"\x1b!?"
"""Answered with one byte at any time, also in mid-label and in trouble."""

_REASONS = ((0x01, "head-open"), (0x02, "jam"), (0x04, "paper-out"), (0x08, "ribbon-out"), (0x80, "error"))
PAUSED, PRINTING = 0x10, 0x20
WORDS_KEPT = 256
_KNOWN = PAUSED | PRINTING | sum(bit for bit, _ in _REASONS)


def encode_label(label: Label, dpi: int, draw: Draw) -> bytes:
    """One label, from SIZE to PRINT, printed anew when something stopped it halfway. `dpi` 203 or 300.

    A line too long for the label gets smaller, never cut. Raises PeerFault `paper.code-too-wide`, `code128.text`.
    """
    at = lay_out(label, dpi)
    head = ("SET REPRINT ON", f"SIZE {label.width_mm} mm,{label.height_mm} mm", f"GAP {GAP_MM} mm,0", "DIRECTION 1")
    parts = ["\r\n".join((*head, "CLS", "")).encode("ascii")]
    for line in at.lines:
        if line.text.strip():
            parts.append(encode_image(at.left, line.top, draw(line.text, *drawn_size(line, at.inner))))
    code = label.code.replace('"', '\\["]')
    place = f"{at.code_left},{at.code_top}"
    parts.append(
        f'BARCODE {place},"128",{at.bar_dots},2,0,{at.module_dots},{at.module_dots},"{code}"\r\n'.encode("ascii")
    )
    parts.append(b"PRINT 1,1\r\n")
    return b"".join(parts)


def encode_image(left: int, top: int, bitmap: Bitmap) -> bytes:
    """`BITMAP`, mode 0, in bands. Here 0 is black: the bits are the other way round than in `Bitmap`, padding white."""
    spare = bitmap.row_bytes * 8 - bitmap.width_dots
    last = (1 << spare) - 1
    rows = bytearray(byte ^ 0xFF for byte in bitmap.rows)
    for end in range(bitmap.row_bytes - 1, len(rows), bitmap.row_bytes):
        rows[end] |= last
    high = max(1, BAND_BYTES_MAX // max(1, bitmap.row_bytes))
    bands = []
    for first in range(0, bitmap.height_dots, high):
        band = rows[first * bitmap.row_bytes : (first + high) * bitmap.row_bytes]
        head = f"BITMAP {left},{top + first},{bitmap.row_bytes},{min(high, bitmap.height_dots - first)},0,"
        bands.append(head.encode("ascii") + bytes(band) + b"\r\n")
    return b"".join(bands)


def ask_in_order(word: str) -> bytes:
    """`OUT`: the printer sends `word` back once it came to this line, behind all before it.

    Capital letters only: none of them can be taken for a byte of status.
    """
    assert word.isalpha() and word.isupper() and word.isascii()
    return f'OUT "{word}"\r\n'.encode("ascii")


class TsplStatus(NamedTuple):
    """The byte of <ESC>!?: 0 ready; bits may stand together."""

    bits: int

    @property
    def printing(self) -> bool:
        return bool(self.bits & PRINTING)

    @property
    def status(self) -> PrinterStatus:
        # Out of paper it pauses itself: the cause is told, not the pause.
        for bit, reason in _REASONS:
            if self.bits & bit:
                return PrinterStatus("attention", reason)
        return PrinterStatus("attention", "paused") if self.bits & PAUSED else PrinterStatus("ready")


def decode_status(byte: int) -> TsplStatus | None:
    """None for a byte with a bit that no manual knows, and for flow control of a serial line."""
    return None if byte & ~_KNOWN or byte in (0x11, 0x13) else TsplStatus(byte)


class AnswerReader:
    """Tells the two kinds of answers apart: bytes of status, and words behind which a line end comes."""

    def __init__(self) -> None:
        self._text = ""
        self._in_word = False

    def feed(self, data: bytes) -> list[TsplStatus]:
        """The states told in `data`, oldest first; words are kept for `has`."""
        found = []
        for byte in data:
            if 0x41 <= byte <= 0x5A:
                self._text = (self._text + chr(byte))[-WORDS_KEPT:]
                self._in_word = True
            elif self._in_word and byte in b"\r\n":
                # a line end alone has the bits of two troubles
                self._in_word = byte != 0x0A
                self._text = (self._text + " ")[-WORDS_KEPT:]
            else:
                self._in_word = False
                status = decode_status(byte)
                if status is not None:
                    found.append(status)
        return found

    def has(self, word: str) -> bool:
        return word in self._text
