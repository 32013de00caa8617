"""2-D codes in a photograph: what a receipt looks like to a phone or a document camera."""

from __future__ import annotations

import io

from sync.kernel.outcome import PeerFault

PIXELS_MAX = 60_000_000


def read_picture(picture: bytes) -> list[str]:
    """Texts of the QR codes in a picture, in no order. Raises PeerFault `picture` for bytes that are no picture.

    Only QR is looked for: a restricted search is twice as fast and finds no phantom codes in a page of print.
    """
    import zxingcpp
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(picture)) as image:
            if image.width * image.height > PIXELS_MAX:
                raise PeerFault("picture", "too large")
            grey = image.convert("L")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        raise PeerFault("picture") from None
    formats = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    return [code.text for code in zxingcpp.read_barcodes(grey, formats=formats) if code.text]
