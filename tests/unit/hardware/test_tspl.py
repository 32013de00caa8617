import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hardware.codecs.tspl import (
    END_HALF,
    AnswerReader,
    TsplStatus,
    ask_in_order,
    decode_status,
    encode_image,
    encode_label,
)
from hardware.ports import Bitmap, PrinterStatus
from sync.kernel.outcome import PeerFault
from sync.kernel.paper import Label


def black(text: str, width_dots: int, height_dots: int) -> Bitmap:
    return Bitmap(width_dots, height_dots, b"\xff" * ((width_dots + 7) // 8 * height_dots))


def test_a_label_has_its_bytes() -> None:
    sent = encode_label(Label(60, 40, ("张三",), 'ZY"1'), 203, black)
    head, _, rest = sent.partition(b"BITMAP ")
    assert head == b"SET REPRINT ON\r\nSIZE 60 mm,40 mm\r\nGAP 2 mm,0\r\nDIRECTION 1\r\nCLS\r\n"
    assert rest.startswith(b"16,16,14,70,0," + bytes(14))
    assert rest.endswith(b'\r\nBARCODE 82,174,"128",102,2,0,4,4,"ZY\\["]1"\r\nPRINT 1,1\r\n')


def test_black_is_nought_and_the_padding_white() -> None:
    assert encode_image(1, 2, Bitmap(10, 2, b"\xff\xc0\x01\x00")) == b"BITMAP 1,2,2,2,0,\x00\x3f\xfe\xff\r\n"


def test_a_tall_image_goes_out_in_bands_that_few_bytes_end() -> None:
    sent = encode_image(3, 5, Bitmap(1000, 40, b"\xff" * 125 * 40))
    heads = re.findall(rb"BITMAP (\d+),(\d+),(\d+),(\d+),0,", sent)
    assert heads == [(b"3", b"5", b"125", b"16"), (b"3", b"21", b"125", b"16"), (b"3", b"37", b"125", b"8")]
    assert len(sent.split(b"BITMAP ")[1]) < len(END_HALF) + 40


def test_a_code_that_does_not_fit_is_refused() -> None:
    with pytest.raises(PeerFault, match="code-too-wide"):
        encode_label(Label(60, 40, ("x",), "ABCDEFGHIJKLMNOPQRSTUVW"), 203, black)


@given(st.lists(st.text(max_size=60), max_size=5), st.sampled_from([203, 300]))
@example(["\U00011038"], 203)
@example(['"\r\nPRINT 9,9\r\n'], 203)
def test_no_text_is_a_command(lines: list[str], dpi: int) -> None:
    sent = encode_label(Label(60, 40, tuple(lines), "1"), dpi, black)
    assert sent.count(b"\nPRINT") == 1 and sent.endswith(b"PRINT 1,1\r\n")


@pytest.mark.parametrize(
    ("byte", "status"),
    [
        (0x00, PrinterStatus("ready")),
        (0x20, PrinterStatus("ready")),
        (0x01, PrinterStatus("attention", "head-open")),
        (0x02, PrinterStatus("attention", "jam")),
        (0x04, PrinterStatus("attention", "paper-out")),
        (0x05, PrinterStatus("attention", "head-open")),
        (0x14, PrinterStatus("attention", "paper-out")),
        (0x08, PrinterStatus("attention", "ribbon-out")),
        (0x10, PrinterStatus("attention", "paused")),
        (0x80, PrinterStatus("attention", "error")),
    ],
)
def test_a_status_names_the_cause(byte: int, status: PrinterStatus) -> None:
    found = decode_status(byte)
    assert found is not None and found.status == status and found.printing == (byte == 0x20)


@pytest.mark.parametrize("byte", [0x11, 0x13, 0x40, 0x57, 0xFF])
def test_other_bytes_are_no_status(byte: int) -> None:
    assert decode_status(byte) is None


@pytest.mark.parametrize("cut", range(14))
def test_a_word_and_its_line_end_are_no_states(cut: int) -> None:
    data, reader = b"\x20WABCD\r\n\x20\x00XY\r\n", AnswerReader()
    assert [*reader.feed(data[:cut]), *reader.feed(data[cut:])] == [TsplStatus(32), TsplStatus(32), TsplStatus(0)]
    assert reader.has("WABCD") and reader.has("XY") and not reader.has("DXY") and not reader.has("WX")


@given(st.binary(max_size=300))
def test_the_reader_survives_any_bytes(data: bytes) -> None:
    whole, single = AnswerReader(), AnswerReader()
    assert whole.feed(data) == [found for byte in data for found in single.feed(bytes([byte]))]


def test_no_letter_of_a_word_is_a_status() -> None:
    assert ask_in_order("WORD") == b'OUT "WORD"\r\n'
    assert all(decode_status(byte) is None for byte in range(0x41, 0x5B))
