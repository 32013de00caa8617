"""The inside of a receipt printer: commands to dots on a roll.

Its font has ASCII and GB2312 and nothing else; what it lacks comes out as an empty box, so that a slip which relied on
the printer's font is seen to fail.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import Any

import segno
import zxingcpp
from PIL import Image

from hardware.drivers.glyphs import Glyphs
from hardware.twins.escpos_commands import Command

LACKING = "□"
HALF_DOTS = 12
TEXT_DOTS = 30


@dataclass
class Piece:
    """What was printed since the last cut."""

    strips: list[Image.Image] = field(default_factory=list)
    text_lines: list[str] = field(default_factory=list)
    qr_texts: list[str] = field(default_factory=list)
    code_texts: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    images: int = 0
    pulses: int = 0

    @property
    def height_dots(self) -> int:
        return sum(strip.height for strip in self.strips)

    def picture(self, width_dots: int, margin_dots: int) -> Image.Image:
        """The paper with the margins the print head does not reach, black on white."""
        page = Image.new("L", (width_dots + 2 * margin_dots, self.height_dots + 2 * margin_dots), 255)
        top = margin_dots
        for strip in self.strips:
            page.paste(strip, (margin_dots, top))
            top += strip.height
        return page


class EscposPaper:
    """Executes commands. Cutting and answering are the machine's; it calls `take` and looks at `moved_dots`."""

    def __init__(self, width_dots: int, glyphs: Glyphs) -> None:
        self._width = width_dots
        self._glyphs = glyphs
        self.piece = Piece()
        self.moved_dots = 0
        self.reset()

    def reset(self) -> None:
        self.chinese = False
        self._align = 0
        self._pitch_dots = TEXT_DOTS
        self._size = 1
        self._bold = False
        self._line: list[tuple[str, int, bool]] = []
        self._qr_module, self._qr_level, self._qr_stored = 3, "l", b""
        self._bar_module, self._bar_height, self._bar_text_below = 3, 162, False

    def take(self) -> Piece:
        """What is on the paper so far, which is torn off."""
        self._flush()
        piece, self.piece = self.piece, Piece()
        return piece

    def execute(self, command: Command) -> None:
        name, data = command.name, command.data
        match name:
            case b"text":
                self._put(data)
            case b"\n":
                self._end_line()
            case b"\x1b@":
                self.reset()
            case b"\x1ba":
                self._align = data[0] % 48
            case b"\x1bE":
                self._bold = bool(data[0] & 1)
            case b"\x1bd" | b"\x1bJ":
                self._flush()
                self._feed(data[0] * (self._pitch_dots if name == b"\x1bd" else 1))
            case b"\x1b2":
                self._pitch_dots = TEXT_DOTS
            case b"\x1b3":
                self._pitch_dots = data[0]
            case b"\x1c&" | b"\x1c.":
                self.chinese = name == b"\x1c&"
            case b"\x1d!":
                self._size = (data[0] & 7) + 1
            case b"\x1dv":
                self._raster(data)
            case b"\x1d(":
                self._two_d(data)
            case b"\x1dw":
                self._bar_module = data[0]
            case b"\x1dh":
                self._bar_height = data[0]
            case b"\x1dH":
                self._bar_text_below = bool(data[0] & 2)
            case b"\x1dk":
                self._code128(data)
            case b"\x1bp":
                self.piece.pulses += 1
            case b"unknown":
                self.piece.unknown.append(data.hex())

    def _put(self, data: bytes) -> None:
        try:
            char = data.decode("gb2312" if len(data) == 2 else "ascii")
        except UnicodeDecodeError:
            char = LACKING
        wide = HALF_DOTS * self._size * (2 if len(data) == 2 else 1)
        if self._used() + wide > self._width:
            self._end_line()
        self._line.append((char, self._size, self._bold))

    def _used(self) -> int:
        return sum(HALF_DOTS * size * (1 if char.isascii() else 2) for char, size, _ in self._line)

    def _end_line(self) -> None:
        if not self._line:
            self._feed(self._pitch_dots)
        self._flush()

    def _flush(self) -> None:
        if not self._line:
            return
        high = max(self._pitch_dots, max(TEXT_DOTS * size for _, size, _ in self._line))
        strip, left = Image.new("L", (self._used(), high), 255), 0
        for char, size, bold in self._line:
            wide = HALF_DOTS * size * (1 if char.isascii() else 2)
            bitmap = self._glyphs.draw(char, wide, TEXT_DOTS * size)
            black = Image.frombytes("1", (wide, bitmap.height_dots), bitmap.rows)
            strip.paste(0, (left, high - black.height), black)
            if bold:
                strip.paste(0, (left + 1, high - black.height), black)
            left += wide
        text = "".join(char for char, _, _ in self._line)
        self._line = []
        self.piece.text_lines.append(unicodedata.normalize("NFC", text).rstrip())
        self._print(strip)

    def _feed(self, dots: int) -> None:
        if dots:
            self._print(Image.new("L", (self._width, dots), 255))

    def _print(self, strip: Image.Image) -> None:
        """Put a strip on the paper, aligned; what is wider than the head is lost."""
        row = Image.new("L", (self._width, strip.height), 255)
        spare = max(0, self._width - strip.width)
        row.paste(strip, ((0, spare // 2, spare)[min(self._align, 2)], 0))
        self.piece.strips.append(row)
        self.moved_dots += row.height

    def _raster(self, data: bytes) -> None:
        self._flush()
        row_bytes, high = (int.from_bytes(data[at : at + 2], "little") for at in (2, 4))
        if not row_bytes or not high:
            return
        black = Image.frombytes("1", (row_bytes * 8, high), data[6:])
        strip = Image.new("L", black.size, 255)
        strip.paste(0, (0, 0), black)
        self.piece.images += 1
        self._print(strip)

    def _two_d(self, data: bytes) -> None:
        """`GS ( k` for symbol 49, QR: 65 model, 67 module, 69 level, 80 store, 81 print."""
        function = data[3:5]
        match function:
            case b"1C":
                self._qr_module = data[5]
            case b"1E":
                self._qr_level = "lmqh"[(data[5] - 48) % 4]
            case b"1P":
                self._qr_stored = data[6:]
            case b"1Q":
                self._flush()
                self._print_qr()
            case b"1A":
                pass
            case _:
                self.piece.unknown.append(data.hex())

    def _print_qr(self) -> None:
        stored, module = self._qr_stored, self._qr_module
        if not stored:
            return
        code = segno.make(stored.decode("utf-8", "replace"), error=self._qr_level, boost_error=False, micro=False)
        side = len(code.matrix)
        small = Image.new("L", (side, side), 255)
        small.putdata([0 if dark else 255 for row in code.matrix for dark in row])
        if side * module > self._width:
            self.piece.unknown.append("qr wider than the paper")
            return
        self.piece.qr_texts.append(stored.decode("utf-8", "replace"))
        self._print(small.resize((side * module, side * module), Image.Resampling.NEAREST))

    def _code128(self, data: bytes) -> None:
        self._flush()
        text = code128_text(data[2:])
        if data[0] != 73 or not text:
            self.piece.unknown.append(data.hex())
            return
        drawn: Any = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.Code128).to_image(scale=1)
        wide = drawn.shape[1]
        bars = Image.frombytes("L", (wide, 1), bytes(drawn)[:wide])
        row = bars.resize((bars.width * self._bar_module, self._bar_height), Image.Resampling.NEAREST)
        self.piece.code_texts.append(text)
        self._print(row)
        if self._bar_text_below:
            for char in text:
                self._line.append((char, 1, False))


def code128_text(data: bytes) -> str:
    """`{A`, `{B` and `{C` stretches back to text; empty when they break their form."""
    text, code_set, at = "", "", 0
    while at < len(data):
        pair = data[at : at + 2]
        if pair in (b"{A", b"{B", b"{C"):
            code_set, at = pair[1:].decode(), at + 2
        elif code_set == "C":
            text, at = text + f"{data[at]:02d}", at + 1
        elif pair == b"{{":
            text, at = text + "{", at + 2
        elif code_set and 32 <= data[at] < 127:
            text, at = text + chr(data[at]), at + 1
        else:
            return ""
    return text
