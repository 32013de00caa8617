"""Pictures of what came out of the twins, and of addresses: PNG slips, drawn labels, picture codes."""

from __future__ import annotations

import io
import re
from typing import Any

import segno
import zxingcpp
from PIL import Image

from hardware.drivers.glyphs import Glyphs
from hardware.ports import Bitmap

_FIELD = re.compile(
    r"\^FO(?P<x>\d+),(?P<y>\d+)(?:"
    r"\^GFA,\d+,\d+,(?P<row>\d+),(?P<hex>[0-9A-F]+)"
    r"|\^A0N,(?P<high>\d+),(?P<wide>\d+)\^FH\^FD(?P<text>[^^]*)"
    r"|\^BY(?P<dots>\d+)\^BCN,(?P<bars>\d+),Y,N,N,N\^FH\^FD(?P<code>[^^]*)"
    r")\^FS"
)
_SIZE = re.compile(r"\^PW(\d+)\^LL(\d+)")
CODE_TEXT_DOTS = 26


def address_code(address: str) -> bytes:
    """A QR code as SVG that scales with its box."""
    out = io.BytesIO()
    segno.make(address, error="m").save(out, kind="svg", border=2, omitsize=True, light="#fff", xmldecl=False)
    return out.getvalue()


def label(zpl: str, glyphs: Glyphs) -> bytes:
    """A label as our own driver writes it, drawn as PNG: lines, images and one Code 128. Other ZPL is left out."""
    found = _SIZE.search(zpl)
    wide, high = (int(found[1]), int(found[2])) if found else (480, 320)
    paper = Image.new("1", (wide, high), 1)
    for field in _FIELD.finditer(zpl):
        x, y = int(field["x"]), int(field["y"])
        if field["hex"]:
            rows, row_bytes = bytes.fromhex(field["hex"]), int(field["row"])
            _stamp(paper, Bitmap(row_bytes * 8, len(rows) // row_bytes, rows), x, y)
        elif field["text"] is not None:
            text, cell = _plain(field["text"]), int(field["wide"])
            _stamp(paper, glyphs.draw(text, len(text) * cell, cell * 5 // 2), x, y)
        else:
            _bars(paper, _plain(field["code"]), int(field["dots"]), int(field["bars"]), x, y, glyphs)
    out = io.BytesIO()
    paper.save(out, "PNG", dpi=(203, 203))
    return out.getvalue()


def _plain(field: str) -> str:
    """Field data without ^FH escapes and without the code set marks of ^BC."""
    text = re.sub(r"_([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), field)
    return re.sub(r">[:;56]", "", text).replace(">0", ">")


def _stamp(paper: Image.Image, bitmap: Bitmap, x: int, y: int) -> None:
    ink = Image.frombytes("1", (bitmap.width_dots, bitmap.height_dots), bitmap.rows)
    paper.paste(0, (x, y), ink)


def _bars(paper: Image.Image, code: str, dots: int, high: int, x: int, y: int, glyphs: Glyphs) -> None:
    made = zxingcpp.write_barcode_to_image(zxingcpp.create_barcode(code, zxingcpp.BarcodeFormat.Code128), scale=1)
    buffer: Any = made
    rows: Any = memoryview(buffer).tolist()
    line: list[int] = rows[0]
    for at, value in enumerate(line):
        if value == 0:
            left = x + (at - line.index(0)) * dots
            paper.paste(0, (left, y, left + dots, y + high))
    cell = CODE_TEXT_DOTS // 2
    _stamp(paper, glyphs.draw(code, len(code) * cell, CODE_TEXT_DOTS), x, y + high + 2)
