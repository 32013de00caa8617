"""Kinds of barcodes by one name each, and what their bytes say."""

from __future__ import annotations

from typing import Literal

Symbology = Literal[
    "code128", "code39", "code93", "codabar", "itf", "ean13", "ean8", "upca", "upce",
    "qr", "datamatrix", "pdf417", "aztec",
]  # fmt: skip

LINEAR: tuple[Symbology, ...] = (
    "code128", "code39", "code93", "codabar", "itf", "ean13", "ean8", "upca", "upce",
)  # fmt: skip
MATRIX: tuple[Symbology, ...] = ("qr", "datamatrix", "pdf417", "aztec")
ALL: tuple[Symbology, ...] = (*LINEAR, *MATRIX)


def bytes_text(raw: bytes) -> str | None:
    """The text of a code's bytes: strictly UTF-8, else GB18030; None when they are neither."""
    for charset in ("utf-8", "gb18030"):
        try:
            return raw.decode(charset)
        except UnicodeDecodeError:
            continue
    return None
