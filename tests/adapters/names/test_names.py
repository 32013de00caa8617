"""Every name is readable on every paper: each character is read as itself in a second renderer's hand."""

import html
import io
import random
import re
import subprocess
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest
import zplkit
from PIL import Image

from hardware.codecs import tspl, zpl
from hardware.codecs.escpos_out import LINE_DOTS, encode_slip
from hardware.codecs.label_layout import drawn_size, lay_out
from hardware.codecs.text_cells import cells
from hardware.drivers.glyphs import Glyphs
from hardware.drivers.line_printer import LinePrinter
from hardware.drivers.receipt_printer import EscposTalk
from hardware.drivers.tspl_printer import TsplTalk
from hardware.ports import Outcome
from hardware.transports.tcp import TcpStream
from hardware.twins.escpos_paper import HALF_DOTS
from hardware.twins.escpos_printer import MARGIN_DOTS, EscposPrinterTwin
from hardware.twins.tspl_printer import TsplPrinterTwin
from images.sheet import encode_sheet
from sync.kernel.paper import Columns, Label, Line, Slip
from tests.adapters.names.conftest import LATIN_NAME, NOWHERE, STEP
from tests.adapters.names.second_look import Shape, bent, chromium_cells, read, shape

Cells = dict[str, Image.Image]
"""What stands on paper in the place of each character."""
SLIP_ACROSS, LABEL_ACROSS, LABEL_LINES, SHEET_ACROSS = 16, 20, 14, 24
SHEET_DPI = 200
WORD = re.compile(r'<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">([^<]+)</word>')


def rows(chars: Sequence[str], across: int) -> list[str]:
    return ["".join(chars[at : at + across]) for at in range(0, len(chars), across)]


def boxes(glyphs: Glyphs, width_dots: int, height_dots: int) -> list[Image.Image]:
    """What we put where a character is missing."""
    drawn = (glyphs.draw(char, width_dots, height_dots) for char in ("\ue000", "\U000ffffd"))
    ours = (Image.frombytes("1", (width_dots, height_dots), box.rows) for box in drawn)
    return [box.convert("L").point(lambda level: 255 - level) for box in ours]


def readable(found: Cells, theirs: dict[str, Shape], boxes: Sequence[Image.Image]) -> None:
    """At 24 dots a few of a hundred lie a hair nearer to a neighbour that shares most of their strokes."""
    drawn = {char: shape(cell) for char, cell in found.items()}
    reading = read(drawn, theirs, [*filter(None, map(shape, boxes)), theirs[NOWHERE]])
    assert reading.lost == []
    assert len(reading.close) <= len(found) // 50, reading.close


def on_receipt(lines: Sequence[str], folder: Path, glyphs: Glyphs) -> Cells:
    """GB 2312 with the printer's font, which is the twin's; the rest as images. All of a line are equally wide."""
    twin = EscposPrinterTwin(0, folder, 384, glyphs)
    twin.start()
    try:
        slip = encode_slip(Slip(tuple(map(Line, lines))), 384, draw=glyphs.draw)
        printer = LinePrinter(lambda: TcpStream("127.0.0.1", twin.port), EscposTalk, answer_s=30.0, silence_s=120.0)
        assert printer.print_job(slip) == Outcome("confirmed")
        with Image.open(folder / twin.slips[0]["png"]) as picture:
            paper = picture.convert("L")
    finally:
        twin.close()
    margin = MARGIN_DOTS[384]
    return {
        char: paper.crop((left, top, left + cells(char) * HALF_DOTS, top + LINE_DOTS))
        for top, line in zip(range(margin, paper.height, LINE_DOTS), lines, strict=False)
        for left, char in zip(range(margin, margin + 384, cells(line[0]) * HALF_DOTS), line, strict=False)
    }


def cells_of_label(label: Label, picture: Image.Image) -> Cells:
    at, ours = lay_out(label, 203), Cells()
    for line in at.lines:
        wide, high = drawn_size(line, at.inner)
        step = wide // len(line.text)
        for n, char in enumerate(line.text):
            left = at.left + n * step
            ours[char] = picture.crop((left, line.top, left + step, line.top + high))
    return ours


def labels_of(lines: Sequence[str]) -> Iterator[Label]:
    for at in range(0, len(lines), LABEL_LINES):
        yield Label(100, 120, tuple(lines[at : at + LABEL_LINES]), "1")


def on_zpl(lines: Sequence[str], glyphs: Glyphs) -> Cells:
    """In an interpreter that is not ours and has no Chinese font."""
    found: Cells = {}
    for label in labels_of(lines):
        made = zpl.encode_label(label, 203, glyphs.draw).replace(zpl.PRINT_ANEW.encode("ascii"), b"")
        document = zplkit.render(made, zplkit.Options(dpi=203))
        found |= cells_of_label(label, Image.open(io.BytesIO(document.labels[0].png())).convert("L"))
    return found


def on_tspl(lines: Sequence[str], folder: Path, glyphs: Glyphs) -> Cells:
    twin = TsplPrinterTwin(0, folder)
    twin.start()
    try:
        printer = LinePrinter(
            lambda: TcpStream("127.0.0.1", twin.port), partial(TsplTalk, draw=random.Random(1).random), answer_s=30.0
        )
        found: Cells = {}
        for label in labels_of(lines):
            assert printer.print_job(tspl.encode_label(label, 203, glyphs.draw)) == Outcome("confirmed")
            with Image.open(folder / twin.labels[-1]["png"]) as picture:
                found |= cells_of_label(label, picture.convert("L"))
    finally:
        twin.close()
    return found


def on_sheet(chars: Sequence[str], folder: Path, glyphs: Glyphs) -> Cells:
    """The PDF through poppler, which has no hand in making it: text layer and picture say the same."""
    lines = tuple(Line(" ".join(line)) for line in rows(chars, SHEET_ACROSS))
    pdf = folder / "sheet.pdf"
    pdf.write_bytes(encode_sheet(Slip(lines), title="names", missing=glyphs.missing))
    subprocess.run(["pdftoppm", "-r", str(SHEET_DPI), "-gray", pdf, folder / "page"], check=True, timeout=120)
    told = subprocess.run(["pdftotext", "-bbox", pdf, "-"], check=True, timeout=120, capture_output=True, text=True)
    ours: Cells = {}
    for picture, page in zip(sorted(folder.glob("page-*.pgm")), told.stdout.split("<page ")[1:], strict=True):
        with Image.open(picture) as paper:
            for word in WORD.finditer(page):
                place = tuple(round(float(edge) * SHEET_DPI / 72) for edge in word.groups()[:4])
                ours[html.unescape(word[5])] = paper.crop((place[0] - 1, place[1], place[2] + 1, place[3]))
    assert set(chars) - set(ours) == set()
    return {char: ours[char] for char in chars}


@pytest.mark.row("F10.11")
def test_on_a_receipt(tmp_path: Path, glyphs: Glyphs, hanzi: tuple[str, ...], references: dict[str, Shape]) -> None:
    found = on_receipt(rows(hanzi, SLIP_ACROSS), tmp_path, glyphs)
    assert len(found) == len(hanzi)
    readable(found, references, boxes(glyphs, 24, LINE_DOTS))


@pytest.mark.row("F04.2")
def test_on_labels_of_both_languages(
    tmp_path: Path, glyphs: Glyphs, hanzi: tuple[str, ...], rare: tuple[str, ...], references: dict[str, Shape]
) -> None:
    on_second = hanzi if STEP == 1 else rare
    box = boxes(glyphs, 30, 37)
    for found, chars in (
        (on_zpl(rows(hanzi, LABEL_ACROSS), glyphs), hanzi),
        (on_tspl(rows(on_second, LABEL_ACROSS), tmp_path, glyphs), on_second),
    ):
        assert len(found) == len(chars)
        readable(found, references, box)


@pytest.mark.row("F10.11")
def test_on_a_sheet(tmp_path: Path, glyphs: Glyphs, hanzi: tuple[str, ...], references: dict[str, Shape]) -> None:
    readable(on_sheet(hanzi, tmp_path, glyphs), references, boxes(glyphs, 24, LINE_DOTS))


@pytest.mark.row("F10.11", "F04.2")
def test_the_signs_of_gb2312(tmp_path: Path, glyphs: Glyphs, signs: tuple[str, ...]) -> None:
    """Kana, Greek, Cyrillic, lines and marks: each is read as it stands, or as it is when made to fill its square.

    Many of them differ in size or weight alone, so no more is asked than that each is among the likest.
    """
    theirs = chromium_cells((*signs, NOWHERE))
    wide = [char for char in signs if cells(char) == 2]
    narrow = [char for char in signs if cells(char) == 1]
    assert len(wide) + len(narrow) == len(signs)
    slip = [*rows(wide, SLIP_ACROSS), *rows(narrow, 2 * SLIP_ACROSS)]
    label = [*rows(wide, LABEL_ACROSS), *rows(narrow, 2 * LABEL_ACROSS)]
    for found, box in (
        (on_receipt(slip, tmp_path, glyphs), (24, LINE_DOTS)),
        (on_zpl(label, glyphs), (30, 37)),
        (on_tspl(label, tmp_path, glyphs), (30, 37)),
        (on_sheet(signs, tmp_path, glyphs), (24, LINE_DOTS)),
    ):
        lost = set(signs)
        for look in (shape, bent):
            drawn, seen = ({char: look(where[char]) for char in signs} for where in (found, theirs))
            assert [char for char in signs if seen[char] is None or drawn[char] is None] == []
            missing = [*filter(None, map(look, [*boxes(glyphs, *box), theirs[NOWHERE]]))]
            lost &= {*read(drawn, seen, missing).lost}
        assert lost == set()


@pytest.mark.row("F04.2")
def test_what_no_font_has_is_named_and_printing_goes_on(tmp_path: Path, glyphs: Glyphs) -> None:
    slip = Slip((Line("张\ue000三"), Columns("缺\U000f1234字", "1"), Line(LATIN_NAME)))
    pdf = tmp_path / "sheet.pdf"
    pdf.write_bytes(encode_sheet(slip, title="names", missing=glyphs.missing))
    told = subprocess.run(["pdftotext", "-layout", pdf, "-"], check=True, timeout=120, capture_output=True, text=True)
    words = "".join(told.stdout.split())
    for part in ("张", "E0", "00", "三", "F1", "234", LATIN_NAME):
        assert part in words
    assert "\ue000" not in words and "缺字/missing:U+E000U+F1234" in words
