"""A slip in ESC/POS.

Chinese goes out as GB2312's two bytes behind `FS &`, which every Chinese printer has in its font. A line with any
other character goes out as an image, so that nobody's name depends on a printer's font; so does a large line with
Chinese, because models disagree on how `GS !` and `FS !` meet.
Source: Epson ESC/POS command reference for TM printers; Chinese commands: Epson, Kanji control commands.
"""

from __future__ import annotations

from hardware.codecs import code128, qr_size, raster, text_cells
from hardware.ports import Bitmap, Draw
from sync.kernel.paper import Align, Block, Code2d, Code128, Columns, Feed, Line, OpenDrawer, Rule, Slip

CELL_DOTS = 12
"""Font A is 12 dots wide, a Chinese character 24."""
LINE_DOTS = 30
BAND_DOTS = 24
CODE128_HEIGHT_DOTS = 64
CODE128_MODULE_DOTS = 3
FEED_LINES_MAX = 255
TEAR_LINES = 4
"""From the print head to the tear bar or cutter: 15 mm."""

START = b"\x1b@\x1c&\x1bR\x00\x1b3" + bytes([LINE_DOTS])
"""Reset, Chinese on, national set USA (keeps # $ \\ ~ as they are), line pitch."""
CUT = b"\x1dVA\x00"
PROOF = b"\x1dr\x01"
"""Asks for the paper sensor in order: it is answered only after everything before it came out."""
HALF_BYTES_MAX = 4400
"""The longest command of ours is a QR code's text: at most 4,296 characters. Source: ISO/IEC 18004:2015, table 7."""
END_HALF = bytes(HALF_BYTES_MAX) + b"\x1b@\x1bd" + bytes([TEAR_LINES]) + CUT
"""Ends the command of which only a part came, which would take its rest from the next slip, and tears off what is out.

Outside of a command a printer passes NUL by.
"""
OPEN_DRAWER = b"\x1bp\x00\x19\xfa"
"""`ESC p` on pin 2: 50 ms on, 500 ms off, in units of 2 ms."""
ALIGN: dict[Align, bytes] = {"left": b"\x1ba\x00", "centre": b"\x1ba\x01", "right": b"\x1ba\x02"}


def encode_slip(slip: Slip, width_dots: int, *, draw: Draw, module_dots: int = 4, cut: bool = True) -> bytes:
    """The whole slip, from reset to the question that proves it came out.

    `width_dots` 384 (58 mm paper) or 576 (80 mm). `module_dots` is the least size of a QR module; 4 dots are 0.5 mm at
    203 dpi. Raises PeerFault `paper.code-too-large`, `paper.code-too-wide` or `code128.text`.
    """
    body = b"".join(_block(block, width_dots, draw, module_dots) for block in slip.blocks)
    return START + body + bytes([0x1B, 0x64, TEAR_LINES]) + (CUT if cut else b"") + PROOF


def _block(block: Block, width_dots: int, draw: Draw, module_dots: int) -> bytes:
    columns = width_dots // CELL_DOTS
    match block:
        case Line():
            lines = text_cells.wrap(text_cells.clean(block.text), columns // block.size)
            return ALIGN[block.align] + b"".join(_text(line, block.size, block.bold, draw) for line in lines)
        case Columns():
            left, right = text_cells.clean(block.left), text_cells.clean(block.right)
            lines = text_cells.two_columns(left, right, columns)
            return ALIGN["left"] + b"".join(_text(line, 1, False, draw) for line in lines)
        case Rule():
            return ALIGN["left"] + b"-" * columns + b"\n"
        case Feed():
            return bytes([0x1B, 0x64, max(0, min(block.lines, FEED_LINES_MAX))])
        case Code2d():
            lines = text_cells.wrap(text_cells.clean(block.caption), columns) if block.caption else []
            caption = b"".join(_text(line, 1, False, draw) for line in lines)
            return ALIGN["centre"] + _qr(block.text, width_dots, module_dots) + caption
        case Code128():
            return ALIGN["centre"] + _code128(block.text, width_dots)
        case OpenDrawer():
            return OPEN_DRAWER


def _text(text: str, size: int, bold: bool, draw: Draw) -> bytes:
    if not text.strip():
        return b"\n" * size
    if all(map(text_cells.printer_has, text)) and (size == 1 or text.isascii()):
        plain = text.encode("gb2312") + b"\n"
        plain = b"\x1bE\x01" + plain + b"\x1bE\x00" if bold else plain
        return b"\x1d!\x11" + plain + b"\x1d!\x00" if size == 2 else plain
    text = text.rstrip()
    bitmap = draw(text, text_cells.width(text) * CELL_DOTS * size, LINE_DOTS * size)
    return encode_image(raster.embolden(bitmap) if bold else bitmap)


def encode_image(bitmap: Bitmap) -> bytes:
    """`GS v 0`, in bands: a printer starts on the first while the rest is under way."""
    return b"".join(
        b"\x1dv0\x00"
        + band.row_bytes.to_bytes(2, "little")
        + band.height_dots.to_bytes(2, "little")
        + raster.without_commands(band.rows)
        for band in raster.bands(bitmap, BAND_DOTS)
    )


def _qr(text: str, width_dots: int, module_dots: int) -> bytes:
    fit = qr_size.fit(text, width_dots, module_dots)
    stored = text.encode("utf-8")
    return b"".join(
        b"\x1d(k" + len(part).to_bytes(2, "little") + part
        for part in (
            b"1A2\x00",
            bytes([0x31, 0x43, fit.module_dots]),
            b"1E" + (b"1" if fit.level == "M" else b"0"),
            b"1P0" + stored,
            b"1Q0",
        )
    )


def _code128(text: str, width_dots: int) -> bytes:
    dots = code128.module_dots(text, width_dots, CODE128_MODULE_DOTS)
    data = b""
    for code_set, part in code128.stretches(text):
        if code_set == "C":
            data += b"{C" + bytes(int(part[at : at + 2]) for at in range(0, len(part), 2))
        else:
            data += b"{B" + part.replace("{", "{{").encode("ascii")
    head = bytes([0x1D, 0x77, dots, 0x1D, 0x68, CODE128_HEIGHT_DOTS]) + b"\x1dH\x02\x1df\x00"
    return head + b"\x1dkI" + bytes([len(data)]) + data + b"\n"
