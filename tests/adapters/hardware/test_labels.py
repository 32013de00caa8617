"""A label from its lines over TCP, rendered by a ZPL interpreter that is not ours, read back as a gun would."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import zplkit
import zxingcpp
from PIL import Image

from hardware.codecs.zpl import PRINT_ANEW, encode_label
from hardware.drivers.glyphs import Glyphs
from hardware.drivers.label_printer import ZplTalk
from hardware.drivers.line_printer import LinePrinter
from hardware.ports import Outcome, PrinterStatus
from hardware.transports.tcp import TcpStream
from hardware.twins.zpl_printer import ZplPrinterTwin
from sync.kernel.paper import Label

COVER = Label(60, 40, ("ZY00123456", "张三丰", "2026-11-20"), "ZY00123456-2")


@pytest.fixture
def zpl_twin(tmp_path: Path) -> Iterator[ZplPrinterTwin]:
    twin = ZplPrinterTwin(0, tmp_path)
    twin.start()
    yield twin
    twin.close()


def printer_of(twin: ZplPrinterTwin) -> LinePrinter:
    return LinePrinter(lambda: TcpStream("127.0.0.1", twin.port), ZplTalk, answer_s=1.0)


def rendered(zpl: bytes, dpi: int = 203) -> Image.Image:
    # The interpreter has no motor that could be stopped, and refuses the command for it.
    document = zplkit.render(zpl.replace(PRINT_ANEW.encode("ascii"), b""), zplkit.Options(dpi=dpi))
    assert len(document.labels) == 1
    return Image.open(io.BytesIO(document.labels[0].png())).convert("L")


@pytest.mark.row("F04.1")
@pytest.mark.parametrize(("dpi", "size"), [(203, (480, 320)), (300, (708, 472))])
@pytest.mark.parametrize("code", ["ZY00123456-2", "12345678", "a>b_c^1"])
def test_the_bar_code_of_a_label_reads_back(glyphs: Glyphs, dpi: int, size: tuple[int, int], code: str) -> None:
    made = encode_label(Label(60, 40, COVER.lines, code), dpi, glyphs.draw)
    image = rendered(made, dpi)
    assert image.size == size
    found = zxingcpp.read_barcodes(image)
    assert [(read.format, read.text) for read in found] == [(zxingcpp.BarcodeFormat.Code128, code)]


@pytest.mark.row("F04.2")
def test_every_line_leaves_ink_where_it_stands(glyphs: Glyphs) -> None:
    image = rendered(encode_label(COVER, 203, glyphs.draw))
    for top, bottom in ((16, 80), (92, 120), (130, 155)):
        assert image.crop((16, top, 464, bottom)).getextrema()[0] == 0
    for edge in ((0, 0, 480, 8), (0, 0, 8, 320), (472, 0, 480, 320), (0, 312, 480, 320)):
        assert image.crop(edge).getextrema() == (255, 255)


@pytest.mark.row("F04.2")
def test_a_long_name_gets_smaller_and_stays_on_the_label(glyphs: Glyphs) -> None:
    for name in ("Maximiliana-Konstantinopolitanskaya-Roth", "阿卜杜热西提·买买提依明·" * 4, "𠮷㼆䶮\ue000"):
        image = rendered(encode_label(Label(60, 40, ("ZY00123456", name), "ZY1"), 203, glyphs.draw))
        assert image.crop((468, 0, 480, 320)).getextrema() == (255, 255)
        assert image.crop((16, 88, 464, 160)).getextrema()[0] == 0


@pytest.mark.row("A05.5")
def test_a_label_is_confirmed_when_the_printer_holds_nothing_more(zpl_twin: ZplPrinterTwin, glyphs: Glyphs) -> None:
    made = encode_label(COVER, 203, glyphs.draw)
    assert printer_of(zpl_twin).print_job(made) == Outcome("confirmed")
    assert [label["n"] for label in zpl_twin.labels] == [1]
    assert (zpl_twin._out_dir / zpl_twin.labels[0]["zpl"]).read_bytes() + b"\n" == made


def test_labels_that_ran_out_are_waited_for(zpl_twin: ZplPrinterTwin, glyphs: Glyphs) -> None:
    printer = printer_of(zpl_twin)
    assert printer.status() == PrinterStatus("ready")
    told: list[str] = []
    zpl_twin.paper_out()
    assert printer.status() == PrinterStatus("attention", "paper-out")
    assert printer.print_job(b"^XA^XZ") == Outcome("failed", "paper-out")
    zpl_twin.load_paper()
    stream = TcpStream("127.0.0.1", zpl_twin.port)

    def attention(reason: str) -> None:
        told.append(reason)
        zpl_twin.load_paper()

    stream.close()

    class RunsOut(TcpStream):
        """The last label was the one before this."""

        def write(self, data: bytes) -> None:
            if data.startswith(b"^XA"):
                zpl_twin.paper_out()
            super().write(data)

    late = LinePrinter(lambda: RunsOut("127.0.0.1", zpl_twin.port), ZplTalk, answer_s=1.0)
    assert late.print_job(encode_label(COVER, 203, glyphs.draw), attention) == Outcome("confirmed")
    assert told == ["paper-out", ""]
    assert len(zpl_twin.labels) == 1


def test_a_label_printer_that_is_off_or_mute_is_never_ready(zpl_twin: ZplPrinterTwin, silent_port: int) -> None:
    mute = LinePrinter(lambda: TcpStream("127.0.0.1", silent_port), ZplTalk, answer_s=0.05, silence_s=0.1)
    assert mute.status() == PrinterStatus("unknown", "silent")
    assert mute.print_job(b"^XA^XZ") == Outcome("failed", "silent")
    zpl_twin.power_off()
    assert printer_of(zpl_twin).status() == PrinterStatus("attention", "gone")
    assert printer_of(zpl_twin).print_job(b"^XA^XZ") == Outcome("failed", "gone")
