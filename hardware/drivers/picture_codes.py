"""Barcodes in a picture: a page from a scanner, a photograph from a phone or a document camera.

zxing-cpp looks first, and only for the kinds that are expected: a restricted search is several times as fast and finds
no phantoms in a page of print. Where one-dimensional kinds are wanted, zbar is asked in a process of its own: about the
whole of a small picture in which nothing was seen, else about what looks like bars. Either may return a wrong number
whose check is right (seen with EAN, and with Code 128 on a sheet whose edge was cut): where the two read one code
differently, both readings are given, and neither is to be believed alone. Who knows how the number looks says so, and
everything else is passed over.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from hardware.codecs.symbologies import LINEAR, Symbology, bytes_text
from hardware.drivers.second_opinion import SecondOpinion
from sync.kernel.outcome import PeerFault

if TYPE_CHECKING:
    from PIL.Image import Image

PIXELS_MAX = 60_000_000
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "PPM")
"""What scanners, cameras and phones give. Others are not looked at: one of them would start Ghostscript."""
WHOLE_PIXELS = 2_000_000
"""Up to this, zbar sees every row and column where zxing saw nothing; of an A4 page that takes six times as long."""
LINES_PIXELS = 240_000
"""Of the rows, and of the columns, between which bars are looked for: on A4 at 200 dpi a pair each 4 mm."""
STRIPE_ROWS = 160
"""As many rows of what looks like bars zbar is shown at most."""


@dataclass(frozen=True, slots=True)
class PictureCode:
    """One code. `identifier` is the AIM prefix (`]C1`), empty from zbar, which tells none. `raw` has FNC1 as 1Dh."""

    text: str
    raw: bytes
    symbology: Symbology
    identifier: str
    library: Literal["zxing", "zbar"]


def open_picture(picture: bytes) -> Image:
    """The picture in grey. PeerFault `picture` for bytes that are none, or too large a one."""
    from PIL import Image as images

    try:
        with images.open(io.BytesIO(picture), formats=FORMATS) as image:
            if image.width * image.height > PIXELS_MAX:
                raise PeerFault("picture", "too large")
            return image.convert("L")
    except PeerFault:
        raise
    except Exception:  # a decoder raises whatever it stumbles over: SyntaxError for a broken PNG
        raise PeerFault("picture") from None


def read_codes(
    image: Image,
    wanted: Sequence[Symbology],
    *,
    expected: re.Pattern[str] | None = None,
    second: SecondOpinion | None = None,
) -> list[PictureCode]:
    """The codes of the wanted kinds in a grey picture, in no order; with `expected`, those whose whole text fits."""
    linear = [name for name in wanted if name in LINEAR]
    if not linear or second is None:
        return [code for code in zxing_codes(image, wanted) if _fits(code, expected)]
    grey = _pixels(image)
    found = [code for code in zxing_codes(grey, wanted) if _fits(code, expected)]
    whole = not any(code.symbology in LINEAR for code in found)
    more = _zbar(image, grey, linear, second, whole=whole)
    known = {_article(code) for code in found}
    return found + [code for code in more if _article(code) not in known and _fits(code, expected)]


def _article(code: PictureCode) -> bytes:
    """The same for one code in whichever way it is told: UPC-A is EAN-13 after a 0, UPC-E may be told unfolded."""
    if code.symbology == "upce":
        return b"upce"
    return code.raw.lstrip(b"0") if code.symbology in ("ean13", "upca") else code.raw


def read_picture(picture: bytes) -> list[str]:
    """Texts of the QR codes in a picture, in no order. Raises PeerFault `picture` for bytes that are no picture."""
    return [code.text for code in read_codes(open_picture(picture), ("qr",)) if code.text]


def zxing_codes(image: Any, wanted: Sequence[Symbology]) -> list[PictureCode]:
    """What zxing-cpp alone sees in a grey picture or its pixels."""
    import zxingcpp

    names = _zxing_names()
    formats = zxingcpp.BarcodeFormats([names[name] for name in wanted])
    found = []
    for code in zxingcpp.read_barcodes(image, formats=formats):
        text = bytes_text(code.bytes)
        name = _named(code.format, names, wanted)
        if text is not None and name is not None:
            found.append(PictureCode(text, code.bytes, name, code.symbology_identifier, "zxing"))
    return found


def zbar_codes(image: Image, wanted: Sequence[Symbology], second: SecondOpinion) -> list[PictureCode]:
    """What zbar alone sees; nothing when its process was lost over this picture."""
    return _zbar(image, _pixels(image), wanted, second, whole=True)


def _zbar(
    image: Image, grey: Any, wanted: Sequence[Symbology], second: SecondOpinion, *, whole: bool
) -> list[PictureCode]:
    """`whole`: of a small picture zbar sees all."""
    if whole and grey.size <= WHOLE_PIXELS:
        seen = second.ask([image], wanted)
    else:
        seen = second.ask(_barred(grey), wanted, rows_alone=True)
    found = []
    for name, raw in seen or ():
        text = bytes_text(raw)
        kind = next((each for each in wanted if each == name), None)
        if text is not None and kind is not None:
            found.append(PictureCode(text, raw, kind, "", "zbar"))
    return list(dict.fromkeys(found))


def _pixels(image: Image) -> Any:
    """Rows of grey bytes; taken once, since on an A4 page this is a sixth of zxing's time."""
    import numpy as np

    return np.asarray(image)


def _barred(grey: Any) -> list[Image]:
    """Parts of the picture that look like bars, standing upright."""
    import numpy as np
    from PIL import Image as images

    from hardware.drivers.stripes import stripes

    parts = []
    for upright in (grey, grey.T):
        for left, top, right, bottom in stripes(upright, LINES_PIXELS):
            part = upright[top : bottom : max(1, (bottom - top) // STRIPE_ROWS), left:right]
            parts.append(images.fromarray(np.ascontiguousarray(part)))
    return parts


def _fits(code: PictureCode, expected: re.Pattern[str] | None) -> bool:
    return expected is None or expected.fullmatch(code.text) is not None


def _zxing_names() -> dict[Symbology, Any]:
    import zxingcpp

    kinds = zxingcpp.BarcodeFormat
    return {
        "code128": kinds.Code128, "code39": kinds.Code39, "code93": kinds.Code93, "codabar": kinds.Codabar,
        "itf": kinds.ITF, "ean13": kinds.EAN13, "ean8": kinds.EAN8, "upca": kinds.UPCA, "upce": kinds.UPCE,
        "qr": kinds.QRCode, "datamatrix": kinds.DataMatrix, "pdf417": kinds.PDF417, "aztec": kinds.Aztec,
    }  # fmt: skip


def _named(found: Any, names: dict[Symbology, Any], wanted: Sequence[Symbology]) -> Symbology | None:
    """Our name of a format; a variant (ITF-14, Code 39 extended) is what was asked for when one thing was."""
    exact = next((name for name, kind in names.items() if kind == found), None)
    if exact is not None:
        return exact
    said = str(found).rsplit(".", 1)[-1].lower().replace(" ", "").replace("-", "")
    return next((name for name in names if said.startswith(name)), wanted[0] if len(wanted) == 1 else None)
