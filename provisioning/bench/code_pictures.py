"""Pictures of barcodes with their answers: a folder of them, or a drawn set when there is none."""

from __future__ import annotations

import io
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from hardware.codecs.symbologies import ALL, Symbology

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm"}
DRAWN_KINDS: tuple[Symbology, ...] = (
    "code128", "code39", "code93", "codabar", "itf", "ean13", "ean8", "upca", "qr", "datamatrix", "pdf417", "aztec",
)  # fmt: skip
DRAWN_EACH = 24
A4_200_DPI = (1654, 2339)


@dataclass(frozen=True, slots=True)
class Sample:
    """`kind` None: nothing in the folder's or file's name says which symbology it is."""

    kind: Symbology | None
    picture: bytes
    answer: str


def folder_samples(folder: Path) -> Iterator[Sample]:
    """Every picture below `folder` with its answer beside it (`1.png` with `1.txt` or `1.png.txt`)."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in SUFFIXES or not path.is_file():
            continue
        answer = next(
            (each for each in (path.with_suffix(".txt"), path.with_name(path.name + ".txt")) if each.is_file()), None
        )
        if answer is not None:
            names = [path.name, *(part.name for part in path.parents if folder in (part, *part.parents))]
            text = answer.read_bytes().decode("utf-8", "surrogateescape").strip("\r\n")
            yield Sample(_kind_of(names), path.read_bytes(), text)


def _kind_of(names: list[str]) -> Symbology | None:
    """From the file's own name outwards, the first that begins with a symbology's (`ean13-2`, `qrcode-1`)."""
    for name in names:
        plain = re.sub(r"[^a-z0-9]", "", name.lower())
        for kind in sorted(ALL, key=len, reverse=True):
            if plain.startswith(kind):
                return kind
    return None


def drawn_samples(seed: int = 7, each: int = DRAWN_EACH) -> Iterator[Sample]:
    """Codes as a bad camera and a hand hold them: turned, leant, blurred, noisy, pale."""
    draw = random.Random(seed)
    for kind in DRAWN_KINDS:
        for n in range(each):
            text = code_text(kind, draw)
            yield Sample(kind, _png(_worn(drawn_code(kind, text, draw.choice((2, 3, 4))).image, draw, n / each)), text)


def code_text(kind: Symbology, draw: random.Random) -> str:
    """Something that this kind holds, of the length that is met in a hospital."""
    digits = "".join(draw.choice("0123456789") for _ in range(12))
    match kind:
        case "ean13":
            return digits + _ean_check(digits)
        case "ean8":
            return digits[:7] + _ean_check(digits[:7])
        case "upca":
            return digits[:11] + _ean_check(digits[:11])
        case "itf":
            return digits
        case "codabar":
            return f"A{digits[:8]}B"
        case "qr" | "datamatrix" | "pdf417" | "aztec":
            return f"ZY{digits}|{draw.randrange(10**6):06}"
    return f"ZY{digits[:8]}"


def _ean_check(digits: str) -> str:
    total = sum(int(digit) * (3 if at % 2 == 0 else 1) for at, digit in enumerate(reversed(digits)))
    return str(-total % 10)


class DrawnCode(NamedTuple):
    """A grey picture with its quiet zones, and the width of its narrowest bar or cell."""

    image: Any
    module_px: int


def drawn_code(kind: Symbology, text: str, module_px: int = 4) -> DrawnCode:
    import zxingcpp
    from PIL import Image

    from hardware.drivers.picture_codes import _zxing_names

    drawn: Any = zxingcpp.create_barcode(text, _zxing_names()[kind]).to_image(scale=module_px)
    height, width = drawn.shape
    return DrawnCode(Image.frombytes("L", (width, height), bytes(memoryview(drawn))), module_px)


def _worn(code: Any, draw: random.Random, how: float) -> Any:
    """`how` from 0 (clean) to 1 (hardly to be read)."""
    from PIL import Image, ImageChops, ImageFilter

    edge = 60
    page = Image.new("L", (code.width + 2 * edge, code.height + 2 * edge), 255)
    page.paste(code, (edge, edge))
    turn = draw.choice((0, 0, 0, 90, 180, 270)) + draw.uniform(-25, 25) * how
    page = page.rotate(turn, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    lean = draw.uniform(-0.25, 0.25) * how
    page = page.transform(
        page.size, Image.Transform.AFFINE, (1, lean, -lean * page.height / 2, 0, 1, 0), Image.Resampling.BICUBIC,
        fillcolor=255,
    )  # fmt: skip
    page = page.filter(ImageFilter.GaussianBlur(draw.uniform(0.2, 1.9) * how * 1.5))
    low, high = int(90 * how * draw.random()), 255 - int(90 * how * draw.random())
    page = page.point(lambda grey: low + grey * (high - low) // 255)
    noise = Image.frombytes("L", page.size, draw.randbytes(page.width * page.height))
    return Image.blend(page, ImageChops.add(page, noise, 2.0), 0.5 * how * draw.random())


def a4_page(seed: int, code: str = "") -> Any:
    """A page of print at 200 dpi, with a Code 128 in its corner or none."""
    from PIL import Image, ImageDraw

    from hardware.drivers.code_writer import code_image

    draw = random.Random(seed)
    page = Image.new("L", A4_200_DPI, 255)
    pen = ImageDraw.Draw(page)
    for y in range(160, 2200, 40):
        for x in range(120, 1500, 30):
            # A stroke or two in each cell: as dense as print, and the same on every machine.
            for _ in range(3):
                at = (x + draw.randrange(24), y + draw.randrange(28))
                pen.line((*at, x + draw.randrange(24), y + draw.randrange(28)), fill=20, width=2)
    if code:
        page.paste(code_image(code, "code128", module_px=3, height_px=90), (900, 30))
    return page


def _png(image: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
