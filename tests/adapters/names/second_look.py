"""Another renderer's picture of a character, and how far ours is from it."""

import io
import os
import shutil
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from PIL import Image, ImageChops, ImageFilter, ImageOps
from playwright.sync_api import sync_playwright

from images.sheet import FONTS

SIDE = 24
CELL_PX, FONT_PX, ACROSS = 48, 36, 40
ROW = 94
STEPS = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]

Shape = Image.Image


def shape(cell: Image.Image) -> Shape | None:
    """The ink of a cell, cropped, brought to a square of 24 x 24 without bending it, a little blurred. None: no ink."""
    ink = _ink(cell)
    if ink is None:
        return None
    side = max(ink.size)
    square = Image.new("L", (side, side), 0)
    square.paste(ink, ((side - ink.width) // 2, (side - ink.height) // 2))
    return _small(square)


def bent(cell: Image.Image) -> Shape | None:
    """The same, made to fill the square: for letters that stand narrower on paper than elsewhere."""
    ink = _ink(cell)
    return None if ink is None else _small(ink)


def _ink(cell: Image.Image) -> Image.Image | None:
    ink = ImageOps.invert(cell.convert("L"))
    box = ink.point(lambda level: 255 if level > 100 else 0).getbbox()
    return None if box is None else ink.crop(box)


def _small(ink: Image.Image) -> Shape:
    small = ink.resize((SIDE, SIDE), Image.Resampling.BOX)
    return ImageOps.autocontrast(small.filter(ImageFilter.GaussianBlur(0.8)))


def distances(one: Shape, strip: Image.Image) -> list[int]:
    """Mean difference of `one` to each shape of `strip`, side by side; the least over a step in each direction."""
    count, best = strip.width // SIDE, [255] * (strip.width // SIDE)
    for step in STEPS:
        again, moved = Image.new("L", strip.size), ImageChops.offset(one, *step)
        for n in range(count):
            again.paste(moved, (SIDE * n, 0))
        means = ImageChops.difference(strip, again).resize((count, 1), Image.Resampling.BOX).tobytes()
        best = list(map(min, best, means))
    return best


def chromium_shapes(chars: Sequence[str]) -> dict[str, Shape]:
    """Each character that has ink as the distribution's Chromium draws it, with the fonts of our sheets."""
    found = {char: shape(cell) for char, cell in chromium_cells(chars).items()}
    return {char: drawn for char, drawn in found.items() if drawn is not None}


def chromium_cells(chars: Sequence[str]) -> dict[str, Image.Image]:
    cells = "".join(f"<i style='left:{x}px;top:{y}px'>&#{ord(char)};</i>" for char, (x, y) in places(chars))
    style = (
        f"body{{margin:0;background:white}}i{{position:absolute;width:{CELL_PX}px;height:{CELL_PX}px;"
        f"font:normal {FONT_PX}px/{CELL_PX}px {FONTS};text-align:center;overflow:hidden}}"
    )
    high = (len(chars) // ACROSS + 1) * CELL_PX
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS, env={**os.environ})
        try:
            page = browser.new_page(viewport={"width": ACROSS * CELL_PX, "height": 1200})
            page.set_content(f"<meta charset=utf-8><style>{style}</style><body style='height:{high}px'>{cells}")
            picture = Image.open(io.BytesIO(page.screenshot(full_page=True, timeout=120_000))).convert("L")
        finally:
            browser.close()
    return {char: picture.crop((x, y, x + CELL_PX, y + CELL_PX)) for char, (x, y) in places(chars)}


def places(chars: Sequence[str]) -> Iterable[tuple[str, tuple[int, int]]]:
    return ((char, (n % ACROSS * CELL_PX, n // ACROSS * CELL_PX)) for n, char in enumerate(chars))


class Reading(NamedTuple):
    """`lost`: nearer to a box for a missing character, or not of the five likest. `close`: not the likest."""

    lost: list[str]
    close: list[str]


def read(ours: dict[str, Shape | None], theirs: dict[str, Shape], boxes: Sequence[Shape]) -> Reading:
    """Each character of ours against theirs of the same row of 94, and against the boxes."""
    chars, lost, close = list(ours), [], []
    for start in range(0, len(chars), ROW):
        row = chars[start : start + ROW]
        strip = Image.new("L", (SIDE * (len(row) + len(boxes)), SIDE))
        for n, drawn in enumerate([*(theirs[char] for char in row), *boxes]):
            strip.paste(drawn, (SIDE * n, 0))
        for n, char in enumerate(row):
            drawn_here = ours[char]
            if drawn_here is None:
                lost.append(char)
                continue
            far = distances(drawn_here, strip)
            rank = sum(1 for other in far[: len(row)] if other < far[n])
            if rank > 4 or far[n] >= min(far[len(row) :]):
                lost.append(char)
            elif rank:
                close.append(char)
    return Reading(lost, close)
