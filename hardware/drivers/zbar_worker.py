"""The one program that loads zbar: pictures in on stdin, what it read out on stdout, until stdin ends.

The library ends the process on some pictures. Nothing but this process is lost then; who asked goes on without.
Request: how (0 rows and columns, 1 rows alone), length of the names, number of pictures; the names of symbologies; then
each picture's width, height and grey bytes. Answer: length, then a JSON list of [symbology, bytes in hex] of all that
was seen. Numbers are 32 bits, big end first.
"""

from __future__ import annotations

import json
import resource
import struct
import sys
from typing import Any, BinaryIO

REQUEST = struct.Struct(">III")
PICTURE = struct.Struct(">II")
ANSWER = struct.Struct(">I")
MEMORY_BYTES_MAX = 1 << 30
NAMES = {
    "code128": "CODE128", "code39": "CODE39", "code93": "CODE93", "codabar": "CODABAR", "itf": "I25",
    "ean13": "EAN13", "ean8": "EAN8", "upca": "UPCA", "upce": "UPCE", "qr": "QRCODE",
}  # fmt: skip
"""Our symbologies that zbar reads, and what it calls them. It is asked for QR in comparisons alone."""


def read(pixels: bytes, width: int, height: int, wanted: list[str], rows_alone: bool) -> list[tuple[str, str]]:
    """(symbology, bytes in hex) of what zbar sees."""
    from ctypes import c_void_p, cast, string_at

    from pyzbar import wrapper
    from pyzbar.pyzbar import ZBarSymbol

    ours = {ZBarSymbol[NAMES[name]].value: name for name in wanted}
    if "upca" in wanted:
        # UPC-A is an EAN-13 that begins with 0, and found only where EAN-13 is looked for.
        ours.setdefault(ZBarSymbol.EAN13.value, "upca")
    scanner, image = wrapper.zbar_image_scanner_create(), wrapper.zbar_image_create()
    try:
        for symbol in ZBarSymbol:
            enabled = int(symbol.value in ours)
            wrapper.zbar_image_scanner_set_config(scanner, symbol, wrapper.ZBarConfig.CFG_ENABLE, enabled)
        if rows_alone:
            wrapper.zbar_image_scanner_set_config(scanner, ZBarSymbol.NONE, wrapper.ZBarConfig.CFG_X_DENSITY, 0)
        wrapper.zbar_image_set_format(image, int.from_bytes(b"Y800", "little"))
        wrapper.zbar_image_set_size(image, width, height)
        data = cast(pixels, c_void_p)  # type: ignore[arg-type]  # ctypes takes the address of bytes
        wrapper.zbar_image_set_data(image, data, len(pixels), None)
        if wrapper.zbar_scan_image(scanner, image) < 0:
            return []
        found = []
        symbol = wrapper.zbar_image_first_symbol(image)
        while symbol:
            raw = string_at(wrapper.zbar_symbol_get_data(symbol), wrapper.zbar_symbol_get_data_length(symbol))
            name = ours.get(symbol.contents.type)
            if name == "upca" and len(raw) == 13:
                name, raw = ("upca", raw[1:]) if raw.startswith(b"0") else (None, raw)
            if name:
                found.append((name, raw.hex()))
            symbol = wrapper.zbar_symbol_next(symbol)
        return found
    finally:
        wrapper.zbar_image_destroy(image)
        wrapper.zbar_image_scanner_destroy(scanner)


def serve(source: BinaryIO, sink: BinaryIO, look: Any = read) -> None:
    while head := source.read(REQUEST.size):
        how, names_bytes, count = REQUEST.unpack(head)
        wanted = source.read(names_bytes).decode("ascii").split()
        found: list[tuple[str, str]] = []
        for _ in range(count):
            width, height = PICTURE.unpack(source.read(PICTURE.size))
            pixels = source.read(width * height)
            if len(pixels) < width * height:
                return
            found += look(pixels, width, height, wanted, bool(how))
        answer = json.dumps(found).encode()
        sink.write(ANSWER.pack(len(answer)) + answer)
        sink.flush()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    serve(sys.stdin.buffer, sys.stdout.buffer)
