"""Every name is readable on every paper: each character is read as itself in a second renderer's hand."""

import io
import random
import re
import subprocess
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
import zplkit
from PIL import Image

from hardware.codecs import tspl, zpl
from hardware.codecs.escpos_out import LINE_DOTS, encode_slip
from hardware.codecs.label_layout import drawn_size, lay_out
from hardware.drivers.glyphs import Glyphs
from hardware.drivers.line_printer import LinePrinter
from hardware.drivers.receipt_printer import EscposTalk
from hardware.drivers.tspl_printer import TsplTalk
from hardware.ports import Outcome
from hardware.transports.tcp import TcpStream
from hardware.twins.escpos_printer import MARGIN_DOTS, EscposPrinterTwin
from hardware.twins.tspl_printer import TsplPrinterTwin
from images.sheet import encode_sheet
from sync.kernel.paper import Columns, Label, Line, Slip
from tests.adapters.names.conftest import LATIN_NAME
from tests.adapters.names.second_look import Shape, read, shape

SLIP_ACROSS, LABEL_ACROSS, LABEL_LINES, SHEET_ACROSS = 16, 20, 14, 24
SHEET_DPI = 200
WORD = re.compile(r'<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">([^<]+)</word>')


def rows(chars: tuple[str, ...], across: int) -> list[str]:
    return ["".join(chars[at : at + across]) for at in range(0, len(chars), across)]


def boxes(glyphs: Glyphs, references: dict[str, Shape], width_dots: int, height_dots: int) -> list[Shape]:
    """What stands for a missing character: ours, and Chromium's."""
    drawn = (glyphs.draw(char, width_dots, height_dots) for char in ("\ue000", "\U000ffffd"))
    ours = [Image.frombytes("1", (width_dots, height_dots), box.rows) for box in drawn]
    shapes = (shape(box.convert("L").point(lambda level: 255 - level)) for box in ours)
    return [*(drawn for drawn in shapes if drawn is not None), references["\U0010ffff"]]


def readable(ours: dict[str, Shape | None], theirs: dict[str, Shape], boxes: Sequence[Shape]) -> None:
    """At 24 dots a few of a hundred lie a hair nearer to a neighbour that shares most of their strokes."""
    found = read(ours, theirs, boxes)
    assert found.lost == []
    assert len(found.close) <= len(ours) // 50, found.close


@pytest.mark.row("F10.11")
def test_on_a_receipt(
    tmp_path: Path, glyphs: Glyphs, gb2312: tuple[str, ...], rare: tuple[str, ...], references: dict[str, Shape]
) -> None:
    """GB 2312 with the printer's font, which is the twin's; the rest as images."""
    twin = EscposPrinterTwin(0, tmp_path, 384, glyphs)
    twin.start()
    try:
        lines = [*rows(gb2312, SLIP_ACROSS), *rows(rare, SLIP_ACROSS)]
        slip = encode_slip(Slip(tuple(map(Line, lines))), 384, draw=glyphs.draw)
        printer = LinePrinter(lambda: TcpStream("127.0.0.1", twin.port), EscposTalk, answer_s=30.0, silence_s=120.0)
        assert printer.print_job(slip) == Outcome("confirmed")
        with Image.open(tmp_path / twin.slips[0]["png"]) as picture:
            paper = picture.convert("L")
    finally:
        twin.close()
    margin = MARGIN_DOTS[384]
    ours = {
        char: shape(paper.crop((left, top, left + 24, top + LINE_DOTS)))
        for top, line in zip(range(margin, paper.height, LINE_DOTS), lines, strict=False)
        for left, char in zip(range(margin, margin + 384, 24), line, strict=False)
    }
    assert len(ours) == len(gb2312) + len(rare)
    readable(ours, references, boxes(glyphs, references, 24, LINE_DOTS))


def cells_of_label(label: Label, dpi: int, picture: Image.Image) -> dict[str, Shape | None]:
    at, ours = lay_out(label, dpi), {}
    for line in at.lines:
        wide, high = drawn_size(line, at.inner)
        step = wide // len(line.text)
        for n, char in enumerate(line.text):
            left = at.left + n * step
            ours[char] = shape(picture.crop((left, line.top, left + step, line.top + high)))
    return ours


@pytest.mark.row("F04.2")
def test_on_labels_of_both_languages(
    tmp_path: Path, glyphs: Glyphs, gb2312: tuple[str, ...], rare: tuple[str, ...], references: dict[str, Shape]
) -> None:
    """ZPL in an interpreter that is not ours and has no Chinese font; TSPL, the rare ones, in our own twin."""
    found: dict[str, Shape | None] = {}
    lines = rows((*gb2312, *rare), LABEL_ACROSS)
    for at in range(0, len(lines), LABEL_LINES):
        label = Label(100, 120, tuple(lines[at : at + LABEL_LINES]), "1")
        document = zplkit.render(zpl.encode_label(label, 203, glyphs.draw), zplkit.Options(dpi=203))
        found |= cells_of_label(label, 203, Image.open(io.BytesIO(document.labels[0].png())).convert("L"))
    assert len(found) == len(gb2312) + len(rare)
    readable(found, references, boxes(glyphs, references, 30, 37))

    twin = TsplPrinterTwin(0, tmp_path)
    twin.start()
    try:
        printer = LinePrinter(
            lambda: TcpStream("127.0.0.1", twin.port), partial(TsplTalk, draw=random.Random(1).random), answer_s=30.0
        )
        found, lines = {}, rows(rare, LABEL_ACROSS)
        for at in range(0, len(lines), LABEL_LINES):
            label = Label(100, 120, tuple(lines[at : at + LABEL_LINES]), "1")
            assert printer.print_job(tspl.encode_label(label, 203, glyphs.draw)) == Outcome("confirmed")
            with Image.open(tmp_path / twin.labels[-1]["png"]) as picture:
                found |= cells_of_label(label, 203, picture.convert("L"))
    finally:
        twin.close()
    readable(found, references, boxes(glyphs, references, 30, 37))


@pytest.mark.row("F10.11")
def test_on_a_sheet(
    tmp_path: Path, glyphs: Glyphs, gb2312: tuple[str, ...], rare: tuple[str, ...], references: dict[str, Shape]
) -> None:
    """The PDF through poppler, which has no hand in making it: text layer and picture say the same."""
    lines = tuple(Line(" ".join(line)) for line in rows((*gb2312, *rare), SHEET_ACROSS))
    pdf = tmp_path / "sheet.pdf"
    pdf.write_bytes(encode_sheet(Slip(lines), title="names", missing=glyphs.missing))
    subprocess.run(["pdftoppm", "-r", str(SHEET_DPI), "-gray", pdf, tmp_path / "page"], check=True, timeout=120)
    told = subprocess.run(["pdftotext", "-bbox", pdf, "-"], check=True, timeout=120, capture_output=True, text=True)
    ours: dict[str, Shape | None] = {}
    for picture, page in zip(sorted(tmp_path.glob("page-*.pgm")), told.stdout.split("<page ")[1:], strict=True):
        with Image.open(picture) as paper:
            for word in WORD.finditer(page):
                place = tuple(round(float(edge) * SHEET_DPI / 72) for edge in word.groups()[:4])
                if word[5] in references:
                    ours[word[5]] = shape(paper.crop((place[0] - 1, place[1], place[2] + 1, place[3])))
    assert set((*gb2312, *rare)) - set(ours) == set()
    ordered = {char: ours[char] for char in (*gb2312, *rare)}
    readable(ordered, references, boxes(glyphs, references, 24, LINE_DOTS))


@pytest.mark.row("F04.2")
def test_what_no_font_has_is_named_and_printing_goes_on(tmp_path: Path, glyphs: Glyphs) -> None:
    slip = Slip((Line("张\ue000三"), Columns("缺\U000f1234字", "1"), Line(LATIN_NAME)))
    pdf = tmp_path / "sheet.pdf"
    pdf.write_bytes(encode_sheet(slip, title="names", missing=glyphs.missing))
    told = subprocess.run(["pdftotext", "-layout", pdf, "-"], check=True, timeout=120, capture_output=True, text=True)
    words = "".join(told.stdout.split())
    for part in ("张", "E0", "00", "三", "F1", "234", LATIN_NAME):
        assert part in words
    assert "\ue000" not in words
