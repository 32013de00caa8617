"""Barcodes in a picture: a page from a scanner, a photograph from a phone or a document camera.

zxing-cpp looks first, and only for the kinds that are expected: a restricted search is several times as fast and finds
no phantoms in a page of print. Where it finds nothing that will do and one-dimensional kinds are wanted, zbar is asked
in a process of its own. Either may return a wrong number whose check digit is right (seen once with EAN): who knows how
the number looks says so, and everything else is passed over.
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
WHOLE_PIXELS = 2_000_000
LINES_PIXELS = 320_000
"""Up to the first, zbar sees every row and column; above, as many rows, and then columns, as make the second: on A4 at
200 dpi a line each 1.5 mm, six or more through a code of usual height."""


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
    from PIL import UnidentifiedImageError

    try:
        with images.open(io.BytesIO(picture)) as image:
            if image.width * image.height > PIXELS_MAX:
                raise PeerFault("picture", "too large")
            return image.convert("L")
    except (UnidentifiedImageError, OSError, ValueError, images.DecompressionBombError):
        raise PeerFault("picture") from None


def read_codes(
    image: Image,
    wanted: Sequence[Symbology],
    *,
    expected: re.Pattern[str] | None = None,
    second: SecondOpinion | None = None,
) -> list[PictureCode]:
    """The codes of the wanted kinds in a grey picture, in no order; with `expected`, those whose whole text fits."""
    found = [code for code in zxing_codes(image, wanted) if _fits(code, expected)]
    linear = [name for name in wanted if name in LINEAR]
    if found or not linear or second is None:
        return found
    return [code for code in zbar_codes(image, linear, second) if _fits(code, expected)]


def read_picture(picture: bytes) -> list[str]:
    """Texts of the QR codes in a picture, in no order. Raises PeerFault `picture` for bytes that are no picture."""
    return [code.text for code in read_codes(open_picture(picture), ("qr",)) if code.text]


def zxing_codes(image: Image, wanted: Sequence[Symbology]) -> list[PictureCode]:
    """What zxing-cpp alone sees."""
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
    pictures, rows_alone = [image], image.width * image.height > WHOLE_PIXELS
    if rows_alone:
        from PIL.Image import Resampling, Transpose

        # Bars are tall: a line in twelve loses nothing but time. Codes that lie on their side are seen by columns.
        rows = image.resize((image.width, max(1, LINES_PIXELS // image.width)), Resampling.NEAREST)
        columns = image.resize((max(1, LINES_PIXELS // image.height), image.height), Resampling.NEAREST)
        pictures = [rows, columns.transpose(Transpose.ROTATE_90)]
    found = []
    for name, raw in second.ask(pictures, wanted, rows_alone=rows_alone) or ():
        text = bytes_text(raw)
        kind = next((each for each in wanted if each == name), None)
        if text is not None and kind is not None:
            found.append(PictureCode(text, raw, kind, "", "zbar"))
    return found


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
