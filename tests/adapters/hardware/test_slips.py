"""A slip from its blocks over TCP to a picture of the paper, read back as a phone would."""

from collections.abc import Callable

import pytest
import zxingcpp
from PIL import Image

from hardware.codecs.escpos_out import encode_slip
from hardware.drivers.glyphs import Glyphs
from hardware.ports import Outcome, PrinterStatus
from hardware.transports.tcp import TcpStream
from hardware.twins.escpos_paper import LACKING
from hardware.twins.escpos_printer import EscposPrinterTwin
from sync.kernel.paper import Code2d, Code128, Columns, Line, OpenDrawer, Rule, Slip
from tests.adapters.hardware.paper_room import PATIENCE_S, printer_of, slip_of

MakeTwin = Callable[..., EscposPrinterTwin]
RARE = "𠮷㼆䶮"
LONG_NAME = "Maximiliana-Konstantinopolitanskaya-Roth"
QR_TEXT = ("WAY1:ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 $%*+-./" * 20)[:900]


def picture(twin: EscposPrinterTwin) -> Image.Image:
    return Image.open(twin._out_dir / twin.slips[-1]["png"])


@pytest.mark.row("F10.11")
@pytest.mark.parametrize("width_dots", [384, 576])
def test_a_receipt_reads_back_from_its_picture(make_twin: MakeTwin, glyphs: Glyphs, width_dots: int) -> None:
    twin = make_twin(width_dots)
    blocks = (
        Line("病区交接回执", size=2, bold=True, align="centre"),
        Columns("张三丰 00123456", "08:30"),
        Columns(LONG_NAME, "08:31"),
        Line(RARE),
        Rule(),
        Code2d(QR_TEXT, "1 / 2"),
        Code128("ZY00123456-2"),
    )
    slip = encode_slip(Slip(blocks), width_dots, draw=glyphs.draw)
    assert printer_of(twin).print_job(slip) == Outcome("confirmed")
    kept = twin.slips[0]
    assert kept["complete"] and kept["unknown"] == [] and LACKING not in "".join(kept["text_lines"])
    assert kept["qr_texts"] == [QR_TEXT]
    assert any(line.startswith("张三丰 00123456") and line.endswith("08:30") for line in kept["text_lines"])
    assert LONG_NAME in "".join(kept["text_lines"]).replace(" ", "")
    read = {found.format: found.text for found in zxingcpp.read_barcodes(picture(twin))}
    assert read == {zxingcpp.BarcodeFormat.QRCode: QR_TEXT, zxingcpp.BarcodeFormat.Code128: "ZY00123456-2"}


def test_the_drawer_opens_once_and_leaves_no_mark(twin: EscposPrinterTwin, glyphs: Glyphs) -> None:
    slip = encode_slip(Slip((Line("12.50"), OpenDrawer())), 384, draw=glyphs.draw)
    assert printer_of(twin).print_job(slip) == Outcome("confirmed")
    assert (twin.slips[0]["pulses"], twin.slips[0]["text_lines"], twin.slips[0]["unknown"]) == (1, ["12.50"], [])


@pytest.mark.row("F10.11")
def test_rare_characters_are_drawn_each_in_its_own_shape(glyphs: Glyphs) -> None:
    assert glyphs.missing(RARE + LONG_NAME + "Müller Nguyễn") == ()
    assert len({glyphs.draw(char, 24, 30).rows for char in RARE}) == 3


@pytest.mark.row("F04.2")
def test_a_character_no_font_has_is_its_code_point_in_a_box(glyphs: Glyphs) -> None:
    assert glyphs.missing("张\ue000三\ue000") == ("\ue000",)
    assert glyphs.missing_in(Slip((Columns("张\ue001", "1"), Line("三\n\ue000"), Rule()))) == ("\ue001", "\ue000")
    first, second = glyphs.draw("\ue000", 24, 30), glyphs.draw("\ue001", 24, 30)
    assert first.rows != second.rows
    frame = Image.frombytes("1", (24, 30), first.rows)
    assert all(frame.getpixel((x, 1)) for x in range(22)) and all(frame.getpixel((0, y)) for y in range(1, 28))


@pytest.mark.parametrize("text", ["", "\ud800", "\x00\x1b@", "a\u0301\u0302", "\u202eabc", "\U0010ffff", "م" * 9])
def test_any_text_is_drawn_in_its_size(glyphs: Glyphs, text: str) -> None:
    assert len(glyphs.draw(text, 120, 30).rows) == 15 * 30


def test_the_twin_shows_what_a_printer_font_lacks(twin: EscposPrinterTwin) -> None:
    """The same rare character sent as text comes out as an empty box: only the image saves it."""
    stream = TcpStream("127.0.0.1", twin.port)
    stream.write(b"\x1b@\x1c&" + "张䶮".encode("gb18030")[:2] + "㐀".encode("gb18030")[:2] + b"\n\x1dVA\x00")
    assert twin.wait_slips(1)
    assert twin.slips[0]["text_lines"] == ["张" + LACKING]
    stream.close()


@pytest.mark.row("F10.12")
def test_status_names_what_a_person_must_do(twin: EscposPrinterTwin) -> None:
    printer = printer_of(twin)
    assert printer.status() == PrinterStatus("ready")
    twin.paper_out()
    assert printer.status() == PrinterStatus("attention", "paper-out", near_end=True)
    twin.load_paper()
    twin.cover_open()
    assert printer.status() == PrinterStatus("attention", "cover-open")
    twin.power_off()
    assert printer.status() == PrinterStatus("attention", "gone")
    twin.cover_close()
    twin.power_on()
    assert printer.status() == PrinterStatus("ready")


def test_a_printer_that_never_answers_is_unknown(silent_port: int) -> None:
    from hardware.drivers.line_printer import LinePrinter
    from hardware.drivers.receipt_printer import EscposTalk

    printer = LinePrinter(lambda: TcpStream("127.0.0.1", silent_port), EscposTalk, answer_s=0.05, silence_s=0.2)
    assert printer.status() == PrinterStatus("unknown", "silent")
    assert printer.print_job(b"x") == Outcome("failed", "silent")


@pytest.mark.row("F10.12")
def test_a_refused_slip_left_no_byte(twin: EscposPrinterTwin, glyphs: Glyphs) -> None:
    twin.paper_out()
    assert printer_of(twin).print_job(slip_of("held", glyphs)) == Outcome("failed", "paper-out")
    twin.load_paper()
    assert printer_of(twin).print_job(slip_of("next", glyphs)) == Outcome("confirmed")
    assert [slip["text_lines"][0] for slip in twin.slips] == ["next"]


@pytest.mark.row("F10.12")
def test_paper_that_ends_in_mid_slip_is_waited_for(twin: EscposPrinterTwin, glyphs: Glyphs) -> None:
    told: list[str] = []

    def attention(reason: str) -> None:
        told.append(reason)
        if reason:
            twin.load_paper()

    twin.paper_out(after_dots=90)
    assert printer_of(twin, answer_s=0.2).print_job(slip_of("whole", glyphs), attention) == Outcome("confirmed")
    assert told == ["paper-out", ""]
    assert [(slip["text_lines"][0], slip["complete"]) for slip in twin.slips] == [("whole", True)]


@pytest.mark.row("F10.12")
def test_power_off_in_mid_slip_is_a_doubt(twin: EscposPrinterTwin, glyphs: Glyphs) -> None:
    twin.paper_out(after_dots=90)
    outcome = printer_of(twin, answer_s=0.2).print_job(
        slip_of("half", glyphs), lambda reason: twin.power_off() if reason else None
    )
    assert outcome == Outcome("unknown", "gone")
    assert [slip["complete"] for slip in twin.slips] == [False]


def test_an_answer_left_over_from_another_slip_is_no_proof(twin: EscposPrinterTwin, glyphs: Glyphs) -> None:
    """The line broke while paper was out; what is still in the printer comes out before the next slip is proven."""
    twin.paper_out(after_dots=90)
    stream = TcpStream("127.0.0.1", twin.port)
    stream.write(slip_of("first", glyphs))
    stream.close()
    twin.load_paper()
    assert twin.wait_slips(1, PATIENCE_S)
    assert printer_of(twin).print_job(slip_of("second", glyphs)) == Outcome("confirmed")
    assert [slip["text_lines"][0] for slip in twin.slips] == ["first", "second"]
