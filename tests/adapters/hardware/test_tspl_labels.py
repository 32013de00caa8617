"""A label in TSPL over TCP, drawn by our twin (a stand-in: both ends are ours), read back as a gun would."""

import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from hardware.codecs.tspl import encode_label
from hardware.drivers.glyphs import Glyphs
from hardware.drivers.line_printer import LinePrinter
from hardware.drivers.tspl_printer import TsplTalk
from hardware.ports import Outcome, PrinterStatus
from hardware.transports.tcp import TcpStream
from hardware.twins.tspl_printer import TsplPrinterTwin
from sync.kernel.paper import Label

COVER = Label(60, 40, ("ZY00123456", "张三丰 𠮷㼆", "2026-11-20"), "ZY00123456-2")
MakeTwin = Callable[..., TsplPrinterTwin]


@pytest.fixture
def make_tspl(tmp_path: Path) -> Iterator[MakeTwin]:
    made: list[TsplPrinterTwin] = []

    def make(**what: bool) -> TsplPrinterTwin:
        twin = TsplPrinterTwin(0, tmp_path / f"labels-{len(made)}", **what)
        twin.start()
        made.append(twin)
        return twin

    yield make
    for twin in made:
        twin.close()


def printer_of(
    twin: TsplPrinterTwin, open_stream: Callable[[], TcpStream] | None = None, **waits: float
) -> LinePrinter:
    opened = open_stream or (lambda: TcpStream("127.0.0.1", twin.port))
    return LinePrinter(opened, partial(TsplTalk, draw=random.Random(1).random), **{"answer_s": 2.0} | waits)


def test_a_label_comes_out_as_it_was_laid_out(make_tspl: MakeTwin, glyphs: Glyphs) -> None:
    twin = make_tspl()
    for _ in range(2):
        assert printer_of(twin).print_job(encode_label(COVER, 203, glyphs.draw)) == Outcome("confirmed")
    first, _ = twin.labels
    assert first["codes"] == [COVER.code] and first["unknown"] == []
    image = Image.open(twin._out_dir / first["png"])
    assert image.size == (480, 320)
    found = zxingcpp.read_barcodes(image)
    assert [(read.format, read.text) for read in found] == [(zxingcpp.BarcodeFormat.Code128, COVER.code)]
    for top, bottom in ((16, 80), (92, 120), (130, 155)):
        assert image.crop((16, top, 464, bottom)).getextrema()[0] == 0
    for edge in ((0, 0, 480, 8), (0, 0, 8, 320), (472, 0, 480, 320), (0, 312, 480, 320)):
        assert image.crop(edge).getextrema() == (255, 255)


def test_labels_that_ran_out_are_waited_for(make_tspl: MakeTwin, glyphs: Glyphs) -> None:
    twin = make_tspl()
    told: list[str] = []

    class RunsOut(TcpStream):
        """The last label was the one before this."""

        def write(self, data: bytes) -> None:
            if b"SIZE" in data:
                twin.paper_out()
            super().write(data)

    def attention(reason: str) -> None:
        told.append(reason)
        twin.load_paper()

    twin.paper_out()
    assert printer_of(twin).status() == PrinterStatus("attention", "paper-out")
    assert printer_of(twin).print_job(b"PRINT 1,1\r\n") == Outcome("failed", "paper-out")
    twin.load_paper()
    late = printer_of(twin, lambda: RunsOut("127.0.0.1", twin.port))
    assert late.print_job(encode_label(COVER, 203, glyphs.draw), attention) == Outcome("confirmed")
    assert told == ["paper-out", ""] and len(twin.labels) == 1


def test_power_off_with_a_label_inside_is_a_doubt(make_tspl: MakeTwin, glyphs: Glyphs) -> None:
    twin = make_tspl()

    class RunsOut(TcpStream):
        def write(self, data: bytes) -> None:
            if b"SIZE" in data:
                twin.paper_out()
            super().write(data)

    printer = printer_of(twin, lambda: RunsOut("127.0.0.1", twin.port))
    made = encode_label(COVER, 203, glyphs.draw)
    assert printer.print_job(made, lambda reason: twin.power_off()) == Outcome("unknown", "gone")
    assert twin.labels == [] and printer.status() == PrinterStatus("attention", "gone")


def test_a_printer_that_sends_no_word_back_proves_nothing(make_tspl: MakeTwin, glyphs: Glyphs) -> None:
    twin = make_tspl(answers_out=False)
    printer = printer_of(twin, silence_s=0.3)
    assert printer.print_job(encode_label(COVER, 203, glyphs.draw)) == Outcome("unknown", "silent")
    assert len(twin.labels) == 1


def test_a_mute_printer_is_never_ready(silent_port: int) -> None:
    mute = LinePrinter(
        lambda: TcpStream("127.0.0.1", silent_port), partial(TsplTalk, draw=lambda: 0.5), answer_s=0.05, silence_s=0.1
    )
    assert mute.status() == PrinterStatus("unknown", "silent")
    assert mute.print_job(b"PRINT 1,1\r\n") == Outcome("failed", "silent")
