"""Draws barcodes: Code 128, GS1-128, QR, Data Matrix, PDF417, as a picture or as dots for a printer."""

from __future__ import annotations

import io
from typing import Any, Literal

from hardware.ports import Bitmap
from sync.kernel.outcome import PeerFault

Drawn = Literal["code128", "qr", "datamatrix", "pdf417"]
TEXT_CHARS_MAX = 2000


def code_image(text: str, symbology: Drawn, *, module_px: int = 3, height_px: int = 0, gs1: bool = False) -> Any:
    """A grey picture with its quiet zones. `height_px` makes a one-dimensional code that tall.

    With `gs1` the text names its application identifiers, `(01)04012345123456(10)ABC`, and FNC1 is put where it
    belongs. PeerFault `code.text` for what this kind cannot hold.
    """
    import zxingcpp
    from PIL import Image

    kinds = zxingcpp.BarcodeFormat
    kind = {"code128": kinds.Code128, "qr": kinds.QRCode, "datamatrix": kinds.DataMatrix, "pdf417": kinds.PDF417}
    if not 0 < len(text) <= TEXT_CHARS_MAX:
        raise PeerFault("code.text")
    try:
        made: Any = zxingcpp.create_barcode(text, kind[symbology], **({"gs1": True} if gs1 else {}))
        drawn: Any = made.to_image(scale=module_px)
    except (ValueError, RuntimeError):
        raise PeerFault("code.text") from None
    height, width = drawn.shape
    image = Image.frombytes("L", (width, height), bytes(memoryview(drawn)))
    return image.resize((width, height_px), Image.Resampling.NEAREST) if height_px else image


def code_png(text: str, symbology: Drawn, *, module_px: int = 3, gs1: bool = False) -> bytes:
    """`code_image` as a PNG file."""
    out = io.BytesIO()
    code_image(text, symbology, module_px=module_px, gs1=gs1).save(out, "PNG")
    return out.getvalue()


def code_bitmap(
    text: str, symbology: Drawn, *, module_dots: int = 3, height_dots: int = 0, gs1: bool = False
) -> Bitmap:
    """The same as a printer's dots."""
    image = code_image(text, symbology, module_px=module_dots, height_px=height_dots, gs1=gs1)
    black = image.point(lambda grey: 255 if grey < 128 else 0).convert("1")
    return Bitmap(image.width, image.height, black.tobytes())
