"""Text to dots with an installed font, one character a cell, so that a drawn line stands like a printed one.

A character that no font has is drawn as its code point in a box: it is never dropped, and `missing` names it so that
the slip and the screen can say so.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from hardware.codecs.text_cells import cells, clean, clusters
from hardware.ports import Bitmap
from sync.kernel.outcome import Unavailable
from sync.kernel.paper import Slip, slip_texts


class FontPlace(NamedTuple):
    """A font file and which face of it."""

    path: str
    face: int = 0


FONT_PLACES = (
    FontPlace("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", 7),
    FontPlace("/usr/share/fonts/opentype/noto/NotoSansCJK-VF.otf.ttc", 7),
    FontPlace("/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc", 7),
    FontPlace("/usr/share/fonts/truetype/hanazono/HanaMinA.ttf"),
    FontPlace("/usr/share/fonts/truetype/hanazono/HanaMinB.ttf"),
    FontPlace("/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf"),
)
"""Debian's places. Face 7 of the Noto collection is the monospaced simplified Chinese one: Latin in half cells."""

INK = 110
"""A dot is black from this much of 255: thin strokes stay closed at 203 dpi."""

# fmt: off
_TINY_ROWS = {
    "0": "75557", "1": "26227", "2": "71747", "3": "71717", "4": "55711", "5": "74717",
    "6": "74757", "7": "71111", "8": "75757", "9": "75717", "A": "75755", "B": "65656",
    "C": "74447", "D": "65556", "E": "74647", "F": "74644",
}
# fmt: on
TINY = {digit: tuple(map(int, rows)) for digit, rows in _TINY_ROWS.items()}
"""Hexadecimal digits of 3 x 5 dots: five rows of three bits."""


class Glyphs:
    """Draws with the first font that has a character. May be used by several threads; they draw in turn."""

    def __init__(self, places: Sequence[FontPlace] = FONT_PLACES) -> None:
        self._places = tuple(place for place in places if Path(place.path).is_file())
        if not self._places:
            raise Unavailable("font.missing", retry_s=3600.0)
        self._lock = threading.RLock()
        self._font = lru_cache(maxsize=64)(self._open)
        self._place_of = lru_cache(maxsize=8192)(self._find)

    def draw(self, text: str, width_dots: int, height_dots: int) -> Bitmap:
        """A `hardware.ports.Draw`: characters stand in half cells of 2/5 of the height."""
        page = Image.new("L", (width_dots, height_dots), 0)
        half, left = height_dots * 2 // 5, 0
        with self._lock:
            for cluster in clusters(text):
                wide = cells(cluster[0]) * half
                if not cluster.isspace():
                    page.paste(self._cell(cluster, wide or half, height_dots), (left, 0))
                left += wide
        dots = page.point(lambda level: 255 if level >= INK else 0).convert("1")
        return Bitmap(width_dots, height_dots, dots.tobytes())

    def missing(self, text: str) -> tuple[str, ...]:
        """The characters of `text` that no font has, each once, in order."""
        with self._lock:
            return tuple(dict.fromkeys(char for char in text if not char.isspace() and self._place_of(char) is None))

    def missing_in(self, slip: Slip) -> tuple[str, ...]:
        """The same over a whole slip: what to name at its foot and on the screen."""
        return self.missing(clean("".join(slip_texts(slip))))

    def _open(self, place: FontPlace, size: int) -> ImageFont.FreeTypeFont:
        return ImageFont.truetype(place.path, size, index=place.face, layout_engine=ImageFont.Layout.BASIC)

    def _find(self, char: str) -> FontPlace | None:
        if unicodedata.category(char) in ("Co", "Cs", "Cn", "Cc"):
            return None
        for place in self._places:
            font = self._font(place, 24)
            # A character without a glyph is drawn as the font's empty box, and U+FFFF never has one.
            if bytes(font.getmask(char)) != bytes(font.getmask("\uffff")):
                return place
        return None

    def _cell(self, cluster: str, wide: int, high: int) -> Image.Image:
        places = [self._place_of(char) for char in cluster]
        place = places[0]
        if place is None:
            return boxed(cluster[0], wide, high)
        shown = "".join(char for char, found in zip(cluster, places, strict=True) if found == place)
        font = self._font(place, high * 4 // 5)
        ascent, descent = font.getmetrics()
        natural = max(wide, round(font.getlength(shown)))
        cell = Image.new("L", (natural, high), 0)
        ImageDraw.Draw(cell).text((0, (high - ascent - descent) // 2), shown, fill=255, font=font)
        return cell if natural == wide else cell.resize((wide, high))


def boxed(char: str, wide: int, high: int) -> Image.Image:
    """The code point in hexadecimal, in a frame of the cell's size."""
    cell = Image.new("L", (wide, high), 0)
    pen = ImageDraw.Draw(cell)
    top, bottom = 1, high - 2
    pen.rectangle((0, top, wide - 2, bottom), outline=255)
    digits = f"{ord(char):04X}"
    room = bottom - top - 3
    fits = {
        across: min((wide - 4) // (across * 4 - 1), room // (-(-len(digits) // across) * 6 - 1)) for across in (2, 3)
    }
    across = max(fits, key=fits.__getitem__)
    scale = max(1, fits[across])
    for at, digit in enumerate(digits):
        left, up = 2 + at % across * 4 * scale, top + 2 + at // across * 6 * scale
        for row, bits in enumerate(TINY[digit]):
            for column in range(3):
                if bits >> (2 - column) & 1:
                    x, y = left + column * scale, up + row * scale
                    pen.rectangle((x, y, x + scale - 1, y + scale - 1), fill=255)
    return cell
