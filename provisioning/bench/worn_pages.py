"""Makes a folder for `waystation bench decode --images DIR` of pages: codes stuck on them as a ward would, then worn.

    .venv/bin/python -m provisioning.bench.worn_pages --pages DIR --to DIR [--each 24] [--seed 7]

`--pages` holds pictures of pages. Half of the results are scans (a whole page at 150, 200 or 300 dpi, a little askew or
turned, soft, sometimes black and white alone), half are photographs (a part of a page from an angle, unevenly lit, out
of focus or moved, noisy). All are JPEG files. In every fourth there are two codes of the kind, and its answer has a
line for each; in every third something of another kind lies beside it. Every wear grows along the number in the name.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from hardware.codecs.symbologies import Symbology
from provisioning.bench.code_pictures import DRAWN_KINDS, SUFFIXES, code_text, drawn_code

A4_MM = (210.0, 297.0)
SCAN_DPI = (150, 200, 200, 300)
PHOTO_DPI = (180, 260)
"""What a camera over a page, or held above it, makes of an inch of paper."""
MODULE_MM = (0.25, 0.5)
"""Of label and office printers: three to six dots at 300 dpi."""
PHOTO_MM = (120.0, 90.0)
JPEG_QUALITY = (35, 90)


class Wear:
    """One picture's dice, and how far along its series it is (0 clean, 1 hardly to be read)."""

    def __init__(self, draw: random.Random, how: float) -> None:
        self.draw = draw
        self.how = how
        self._grain = np.random.default_rng(draw.randrange(2**32))

    def up_to(self, most: float) -> float:
        return self.draw.uniform(0.3, 1.0) * most * self.how

    def either(self, most: float) -> float:
        return self.draw.choice((-1, 1)) * self.up_to(most)

    def grain(self, most: float, shape: tuple[int, ...]) -> Any:
        return self._grain.standard_normal(shape, np.float32) * np.float32(self.up_to(most))


def page_at(pages: Sequence[Any], draw: random.Random, dpi: int) -> Any:
    """One of the pages as A4 at this resolution."""
    page = draw.choice(pages)
    if page.shape[1] > page.shape[0]:
        page = cv2.rotate(page, cv2.ROTATE_90_CLOCKWISE)
    width, height = (round(mm / 25.4 * dpi) for mm in A4_MM)
    return cv2.resize(page, (width, height), interpolation=cv2.INTER_AREA)


def stick(page: Any, kind: Symbology, text: str, wear: Wear, dpi: int, taken: list[tuple[int, int, int, int]]) -> bool:
    """A label with the code, where no other lies. False where it does not fit."""
    code = drawn_code(kind, text)
    scale = wear.draw.uniform(*MODULE_MM) / 25.4 * dpi / code.module_px
    width, height = (round(side * scale) for side in (code.image.width, code.image.height))
    drawn = cv2.resize(np.asarray(code.image), (width, height), interpolation=cv2.INTER_AREA)
    room_y, room_x = page.shape[0] - height - 8, page.shape[1] - width - 8
    for _ in range(60):
        if min(room_y, room_x) <= 8:
            return False
        x, y = wear.draw.randrange(8, room_x), wear.draw.randrange(8, room_y)
        box = (x - 4, y - 4, x + width + 4, y + height + 4)
        if all(
            box[2] < left or box[0] > right or box[3] < top or box[1] > bottom for left, top, right, bottom in taken
        ):
            taken.append(box)
            page[y - 4 : y + height + 4, x - 4 : x + width + 4] = 250
            page[y : y + height, x : x + width] = np.minimum(drawn, 250)
            return True
    return False


def turned(page: Any, degrees: float) -> Any:
    """About its middle, the corners cut off by the desk behind it."""
    height, width = page.shape
    around = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return cv2.warpAffine(page, around, (width, height), flags=cv2.INTER_LINEAR, borderValue=235)


def from_an_angle(page: Any, wear: Wear) -> Any:
    height, width = page.shape
    most = 0.16 * min(width, height)
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    moved = corners + np.array([(wear.either(most), wear.either(most)) for _ in range(4)], np.float32)
    return cv2.warpPerspective(
        page, cv2.getPerspectiveTransform(corners, moved), (width, height), flags=cv2.INTER_LINEAR, borderValue=90
    )


def moved(page: Any, wear: Wear) -> Any:
    """A hand that was not still: along a line in any direction."""
    length = max(1, round(wear.up_to(9)))
    kernel: Any = np.zeros((length, length), np.float32)
    kernel[length // 2, :] = 1
    around = cv2.getRotationMatrix2D((length / 2 - 0.5, length / 2 - 0.5), wear.draw.uniform(0, 180), 1.0)
    kernel = cv2.warpAffine(kernel, around, (length, length))
    return cv2.filter2D(page, -1, kernel / max(1e-6, float(kernel.sum())))


def pale(page: Any, wear: Wear) -> Any:
    """Weak ink and grey paper."""
    low, high = wear.up_to(110), 255 - wear.up_to(70)
    return page.astype(np.float32) * np.float32((high - low) / 255) + np.float32(low)


def unevenly_lit(page: Any, wear: Wear) -> Any:
    height, width = page.shape
    down, across = (np.linspace(1, 1 - wear.up_to(0.5), side, dtype=np.float32) for side in (height, width))
    slope: Any = np.outer(down, across[::-1])
    if wear.draw.random() < 0.4:
        edge = wear.draw.randrange(width)
        slope[:, :edge] *= 1 - wear.up_to(0.5)  # a hand's shadow
        slope = cv2.GaussianBlur(slope, (0, 0), 12)
    return page * slope


def scanned(page: Any, wear: Wear) -> Any:
    page = turned(page, wear.either(4))
    page = cv2.GaussianBlur(page, (0, 0), 0.3 + wear.up_to(1.3))
    page = pale(page, wear) + wear.grain(9, page.shape)
    if wear.draw.random() < 0.2:
        page = np.where(page > 128 + wear.either(30), 255, 0)
    return np.rot90(page, wear.draw.choice((0, 0, 0, 1, 2, 3)))


def photographed(page: Any, wear: Wear) -> Any:
    page = from_an_angle(turned(page, wear.draw.uniform(-15, 15) + wear.draw.choice((0, 0, 90, 180))), wear)
    page = moved(page, wear) if wear.draw.random() < 0.4 else cv2.GaussianBlur(page, (0, 0), 0.3 + wear.up_to(1.9))
    page = unevenly_lit(pale(page, wear), wear)
    return page + wear.grain(14, page.shape)


def picture(pages: Sequence[Any], kind: Symbology, wear: Wear, number: int) -> tuple[bytes, list[str]]:
    """(JPEG, answers) of one page with codes of this kind."""
    draw, photo = wear.draw, number % 2 == 1
    dpi = draw.randint(*PHOTO_DPI) if photo else draw.choice(SCAN_DPI)
    page = page_at(pages, draw, dpi)
    if photo:
        width, height = (round(mm / 25.4 * dpi) for mm in PHOTO_MM)
        x, y = draw.randrange(page.shape[1] - width), draw.randrange(page.shape[0] - height)
        page = page[y : y + height, x : x + width].copy()
    taken: list[tuple[int, int, int, int]] = []
    answers = []
    for _ in range(2 if number % 4 == 3 else 1):
        text = code_text(kind, draw)
        if stick(page, kind, text, wear, dpi, taken):
            answers.append(text)
    if number % 3 == 2:
        other: Symbology = "qr" if kind != "qr" else "code128"
        stick(page, other, code_text(other, draw), wear, dpi, taken)
    worn = np.clip((photographed if photo else scanned)(page, wear), 0, 255).astype(np.uint8)
    quality = round(JPEG_QUALITY[1] - wear.up_to(JPEG_QUALITY[1] - JPEG_QUALITY[0]))
    done, packed = cv2.imencode(".jpg", np.ascontiguousarray(worn), [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return packed.tobytes(), answers


def make(pages_from: Path, to: Path, each: int, seed: int, kinds: Sequence[Symbology] = DRAWN_KINDS) -> int:
    """How many pictures were written below `to`, a folder for each symbology."""
    found = [path for path in sorted(pages_from.rglob("*")) if path.suffix.lower() in SUFFIXES]
    pages = [page for path in found if (page := cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)) is not None]
    if not pages:
        raise SystemExit(f"no pictures of pages in {pages_from}")
    written = 0
    for kind in kinds:
        folder = to / kind
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(each):
            wear = Wear(random.Random(f"{seed} {kind} {number}"), number / max(1, each - 1))
            jpeg, answers = picture(pages, kind, wear, number)
            if not answers:
                continue
            (folder / f"{number:03}.jpg").write_bytes(jpeg)
            (folder / f"{number:03}.txt").write_text("\n".join(answers) + "\n", encoding="utf-8")
            written += 1
    return written


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=Path, required=True)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--each", type=int, default=24)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    print(f"{make(asked.pages, asked.to, asked.each, asked.seed)} pictures in {asked.to}")


if __name__ == "__main__":
    main()
