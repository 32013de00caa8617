"""Barcodes in pictures: what is drawn is read, zbar is asked where zxing is at a loss, and may die of it."""

import contextlib
import io
import random
import re
import struct
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from hardware.codecs.symbologies import ALL, LINEAR, Symbology, bytes_text
from hardware.drivers.code_writer import Drawn, code_bitmap, code_image, code_png
from hardware.drivers.picture_codes import (
    LINES_PIXELS,
    PictureCode,
    open_picture,
    read_codes,
    read_picture,
    zbar_codes,
    zxing_codes,
)
from hardware.drivers.second_opinion import SecondOpinion
from hardware.drivers.stripes import stripes
from provisioning.bench.code_pictures import a4_page, code_text, drawn_code, drawn_samples
from sync.kernel.outcome import PeerFault

FOUND_IN_PRINT: tuple[Symbology, ...] = ("code128", "code39", "code93", "ean13", "ean8", "upca")
GS1 = "(01)04012345123456(10)ABC123(21)7"
GS1_BYTES = "010401234512345610ABC123\x1d217"


@pytest.fixture(scope="module")
def second() -> Iterator[SecondOpinion]:
    made = SecondOpinion(deadline_s=60.0)
    yield made
    assert made.lost == 0
    made.close()


def page(code: Image.Image, width: int = 900, height: int = 600) -> Image.Image:
    made = Image.new("L", (width, height), 255)
    made.paste(code, (60, 60))
    return made


@pytest.fixture(scope="module")
def beyond_zxing(second: SecondOpinion) -> tuple[Image.Image, Symbology, str]:
    """A worn code that zbar alone can read, and what it says."""
    for sample in drawn_samples():
        if sample.kind not in LINEAR:
            continue
        image = open_picture(sample.picture)
        if read_codes(image, (sample.kind,)) == [] and any(
            code.text == sample.answer for code in zbar_codes(image, (sample.kind,), second)
        ):
            return image, sample.kind, sample.answer
    pytest.fail("no picture that one library alone can read")


@pytest.mark.parametrize(
    ("kind", "text", "gs1", "identifier", "told"),
    [
        ("code128", "ZY00123456-2", False, "]C0", "ZY00123456-2"),
        ("code128", GS1, True, "]C1", GS1_BYTES),
        ("qr", "张三\U00020bb7㼆", False, "]Q1", "张三\U00020bb7㼆"),
        ("qr", GS1, True, "]Q3", GS1_BYTES),
        ("datamatrix", "病案 00123456", False, "]d1", "病案 00123456"),
        ("datamatrix", GS1, True, "]d2", GS1_BYTES),
        ("pdf417", "欧阳静姝" * 20, False, "]L2", "欧阳静姝" * 20),
    ],
)
def test_what_is_drawn_is_read(kind: Drawn, text: str, gs1: bool, identifier: str, told: str) -> None:
    (found,) = read_codes(open_picture(code_png(text, kind, gs1=gs1)), ALL)
    assert found == PictureCode(told, told.encode(), kind, identifier, "zxing")


def test_dots_for_a_printer_are_the_same_code() -> None:
    drawn = code_bitmap("ZY00123456-2", "code128", module_dots=2, height_dots=60)
    assert drawn.height_dots == 60 and len(drawn.rows) == drawn.row_bytes * 60
    black = Image.frombytes("1", (drawn.width_dots, 60), drawn.rows)
    image = black.convert("L").point(lambda grey: 255 - grey)
    assert [code.text for code in read_codes(image, ("code128",))] == ["ZY00123456-2"]


@pytest.mark.parametrize(("text", "kind"), [("", "qr"), ("9" * 2001, "qr"), ("9" * 2000, "code128")])
def test_what_a_kind_cannot_hold_is_refused(text: str, kind: Drawn) -> None:
    with pytest.raises(PeerFault, match=r"code\.text"):
        code_image(text, kind)


@pytest.mark.parametrize(
    ("raw", "text"),
    [("张三".encode(), "张三"), ("张三".encode("gb18030"), "张三"), (b"ZY7", "ZY7"), (b"\xff\xff", None)],
)
def test_bytes_are_utf8_or_gb18030(raw: bytes, text: str | None) -> None:
    assert bytes_text(raw) == text


def test_zbar_is_asked_where_zxing_is_at_a_loss(
    second: SecondOpinion, beyond_zxing: tuple[Image.Image, Symbology, str]
) -> None:
    worn, kind, answer = beyond_zxing
    assert read_codes(worn, (kind, "qr")) == []
    (found,) = read_codes(worn, (kind, "qr"), second=second)
    assert (found.text, found.library, found.symbology) == (answer, "zbar", kind)
    assert read_codes(worn, ("qr", "datamatrix"), second=second) == []


def test_only_what_looks_like_the_expected_number_is_taken(
    second: SecondOpinion, beyond_zxing: tuple[Image.Image, Symbology, str]
) -> None:
    image = page(code_image("ZY00123456", "code128"))
    expected, other = re.compile(r"ZY[0-9]{8}"), re.compile(r"[0-9]{20}")
    assert [code.text for code in read_codes(image, ALL, expected=expected, second=second)] == ["ZY00123456"]
    assert read_codes(image, ALL, expected=other, second=second) == []
    worn, kind, answer = beyond_zxing
    assert [code.text for code in read_codes(worn, (kind,), expected=re.compile(".+"), second=second)] == [answer]
    assert read_codes(worn, (kind,), expected=other, second=second) == []


@pytest.mark.row("E01.5")
def test_of_a_large_page_zbar_sees_what_looks_like_bars_whichever_way_it_lies(second: SecondOpinion) -> None:
    image = page(code_image("ZY00123456", "code128", height_px=80), 1654, 2339)
    for turned in (0, 90, 180, 270):
        seen = zbar_codes(image.rotate(turned, expand=True), LINEAR, second)
        assert [code.text for code in seen] == ["ZY00123456"], turned


@pytest.mark.row("E01.5")
@pytest.mark.parametrize("beside", [False, True])
def test_a_worn_code_is_read_on_a_whole_page_also_beside_one_that_was_read(
    beside: bool, second: SecondOpinion, beyond_zxing: tuple[Image.Image, Symbology, str]
) -> None:
    worn, kind, answer = beyond_zxing
    image = a4_page(2)
    image.paste(worn, (300, 1200))
    clean = code_text(kind, random.Random(3))
    if beside:
        image.paste(drawn_code(kind, clean).image, (300, 200))
    assert [code.text for code in zxing_codes(image, (kind,))] == [clean] * beside
    assert {code.text for code in read_codes(image, (kind,), second=second)} == {answer, *[clean] * beside}


@pytest.mark.parametrize("kind", LINEAR)
@pytest.mark.parametrize("size", [(900, 600), (1654, 2339)])
def test_a_code_that_both_read_is_told_once(kind: Symbology, size: tuple[int, int], second: SecondOpinion) -> None:
    text = "01234565" if kind == "upce" else code_text(kind, random.Random(5))
    image = page(drawn_code(kind, text, 3).image, *size)
    assert len(read_codes(image, (kind,), second=second)) == len(read_codes(image, ALL, second=second)) == 1


@pytest.mark.row("E01.5")
def test_where_the_two_read_one_code_differently_both_readings_are_told(
    second: SecondOpinion, monkeypatch: pytest.MonkeyPatch
) -> None:
    import zxingcpp

    class Misread:
        def __init__(self, code: zxingcpp.Barcode) -> None:
            self.bytes, self.format, self.symbology_identifier = b"ZY00535232", code.format, "]C0"

    honest = zxingcpp.read_barcodes
    monkeypatch.setattr(zxingcpp, "read_barcodes", lambda *what, **how: [Misread(one) for one in honest(*what, **how)])
    for image in (page(code_image("ZY00005211", "code128")), page(code_image("ZY00005211", "code128"), 1654, 2339)):
        told = {code.library: code.text for code in read_codes(image, ("code128",), second=second)}
        assert told == {"zxing": "ZY00535232", "zbar": "ZY00005211"}


def test_a_page_of_print_has_few_stripes_and_its_code_is_one() -> None:
    empty, page = np.asarray(a4_page(2)), np.asarray(a4_page(1, "ZY00123456-2"))
    (left, top, right, bottom), *_ = stripes(page, LINES_PIXELS)
    assert left <= 940 and right >= 1300 and top <= 60 and bottom >= 110
    for each in (empty, page):
        area = sum(
            (right - left) * (bottom - top)
            for left, top, right, bottom in stripes(each, LINES_PIXELS) + stripes(each.T, LINES_PIXELS)
        )
        assert area < each.size / 10


def test_print_and_ruled_lines_give_no_phantom(second: SecondOpinion) -> None:
    ruled = Image.new("L", (1654, 2339), 255)
    pen = ImageDraw.Draw(ruled)
    for n in range(60):
        pen.line((100, 200 + 34 * n, 1550, 200 + 34 * n), fill=60, width=2)
        pen.line((100 + 24 * n, 200, 100 + 24 * n, 2200), fill=60, width=1 + n % 4)
    for image in (a4_page(2), ruled):
        assert read_codes(image, FOUND_IN_PRINT, second=second) == []


def test_upc_a_is_told_as_such(second: SecondOpinion) -> None:
    import zxingcpp

    drawn = zxingcpp.create_barcode("036000291452", zxingcpp.BarcodeFormat.UPCA).to_image(scale=3)
    image = page(Image.frombytes("L", (drawn.shape[1], drawn.shape[0]), bytes(memoryview(drawn))))
    told = [(code.symbology, code.text) for code in zbar_codes(image, ("upca",), second)]
    assert told == [("upca", "036000291452")]


@pytest.mark.row("E01.5")
def test_several_codes_on_a_page() -> None:
    image = page(code_image("ZY00123456", "code128"))
    image.paste(code_image("张三", "qr"), (60, 300))
    assert sorted(code.text for code in read_codes(image, ("code128", "qr"))) == ["ZY00123456", "张三"]
    assert [code.text for code in read_codes(image, ("qr",))] == ["张三"]


def test_receipts_are_still_read() -> None:
    assert read_picture(code_png("WR1:abc", "qr")) == ["WR1:abc"]
    with pytest.raises(PeerFault, match="picture"):
        read_picture(b"no picture")


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


BROKEN_CHUNK = (
    b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", struct.pack(">IIBBBBB", 40, 30, 8, 0, 0, 0, 0))
    + chunk(b"IDAT", zlib.compress(bytes(41 * 30))[:8])
    + chunk(b"\xbf\xff\xfe{", b"")
)
"""Of which the decoder raises SyntaxError."""
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"


@pytest.mark.parametrize("picture", [BROKEN_CHUNK, EPS, code_png("ZY7", "qr")[:-40], b""])
def test_what_cannot_be_decoded_is_refused_and_no_other_program_is_asked(
    picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(PeerFault, match="picture"):
        open_picture(picture)


@pytest.mark.filterwarnings("ignore:.*:UserWarning:PIL")
@given(st.binary(max_size=300), st.integers(0, 3000), st.integers(0, 200))
@settings(max_examples=150)
def test_no_bytes_break_it(junk: bytes, at: int, cut: int) -> None:
    for whole in SPECIMENS:
        with contextlib.suppress(PeerFault):
            open_picture(whole[:at] + junk + whole[at + cut :])


def _specimens() -> list[bytes]:
    made = []
    for form in ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "PPM"):
        kept = io.BytesIO()
        Image.effect_noise((40, 30), 60).save(kept, form)
        made.append(kept.getvalue())
    return made


SPECIMENS = _specimens()
WORKERS = {
    "dies": "import sys; sys.stdin.buffer.read(16); sys.exit(134)",
    "aborts": "import os, sys; sys.stdin.buffer.read(16); os.abort()",
    "hangs": "import time; time.sleep(600)",
    "babbles": "import sys; sys.stdin.buffer.read(16); sys.stdout.buffer.write(bytes([0,0,0,3]) + b'xyz')",
    "floods": "import sys; sys.stdout.buffer.write(b'\\xff' * 100)",
}


@pytest.mark.row("E01.5")
@pytest.mark.parametrize("how", sorted(WORKERS))
def test_a_child_that_is_lost_costs_an_opinion_and_no_more(how: str, tmp_path: Path) -> None:
    """The second child is the real one: what was lost is started again."""
    worker, first = tmp_path / "worker.py", tmp_path / "first"
    worker.write_text(
        f"import pathlib, runpy\nfirst = pathlib.Path({str(first)!r})\n"
        f"if not first.exists():\n    first.touch()\n    {WORKERS[how]}\n"
        "else:\n    runpy.run_module('hardware.drivers.zbar_worker', run_name='__main__')\n"
    )
    asked = SecondOpinion(deadline_s=1.0, command=(sys.executable, str(worker)))
    image = page(code_image("ZY00123456", "code128"))
    began_s = time.monotonic()
    assert zbar_codes(image, LINEAR, asked) == []
    assert asked.lost == 1 and time.monotonic() - began_s < 30
    asked._deadline_s = 60.0
    assert [code.text for code in zbar_codes(image, LINEAR, asked)] == ["ZY00123456"]
    asked.close()
    asked.close()
