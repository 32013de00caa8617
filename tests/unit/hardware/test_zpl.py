import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hardware.codecs.zpl import HostStatusReader, encode_label
from hardware.ports import Bitmap
from sync.kernel.outcome import PeerFault
from sync.kernel.paper import Label


def black(text: str, width_dots: int, height_dots: int) -> Bitmap:
    return Bitmap(width_dots, height_dots, b"\xff" * ((width_dots + 7) // 8 * height_dots))


def label(*lines: str, code: str = "ZY001234-2") -> str:
    return encode_label(Label(60, 40, lines, code), 203, black).decode("ascii")


@pytest.mark.row("F04.1")
def test_a_label_of_ascii_has_its_bytes() -> None:
    assert label("ZY001234", "Anna Roth") == (
        "^XA^CI28^JZY^PW480^LL320^LH0,0"
        "^FO16,16^A0N,57,28^FH^FDZY001234^FS"
        "^FO16,88^A0N,35,18^FH^FDAnna Roth^FS"
        "^FO106,174^BY2^BCN,102,Y,N,N,N^FH^FD>:ZY>5001234>6-2^FS"
        "^XZ\n"
    )


@pytest.mark.row("F04.2")
def test_chinese_goes_out_as_an_image() -> None:
    sent = label("ZY001234", "张三")
    assert "^GFA," in sent and "张" not in sent


@pytest.mark.parametrize("text", ["^XZ", "~JA", "a_b", "\\&", "^FS^XZ~HS"])
def test_no_text_is_a_command(text: str) -> None:
    sent = label(text)
    field = sent[sent.index("^FD") + 3 : sent.index("^FS")]
    assert not set(field) & set("^~\\")
    assert sent.count("^XZ") == 1


def test_a_code_that_does_not_fit_is_refused() -> None:
    with pytest.raises(PeerFault, match="code-too-wide"):
        label("x", code="ABCDEFGHIJKLMNOPQRSTUVW")


@given(
    st.lists(st.text(max_size=60), max_size=5),
    st.text("0123456789ABC^~>_-", min_size=1, max_size=9),
    st.sampled_from([203, 300]),
)
@example(["\U00011038"], "0", 203)  # a vowel sign alone takes no cell
def test_any_text_stays_inside_its_field(lines: list[str], code: str, dpi: int) -> None:
    sent = encode_label(Label(60, 40, tuple(lines), code), dpi, black).decode("ascii")
    assert sent.startswith("^XA") and sent.endswith("^XZ\n") and sent.count("^XZ") == 1
    assert "~" not in sent


HS = b"\x02030,%d,%d,1245,%03d,0,0,%d,000,0,0,0\x03\r\n\x02000,0,%d,%d,0,2,4,0,%08d,1,000\x03\r\n\x021234,0\x03\r\n"


@pytest.mark.parametrize(
    ("fields", "state", "reason", "idle"),
    [
        ((0, 0, 0, 0, 0, 0, 0), "ready", "", True),
        ((1, 1, 0, 0, 0, 0, 1), "attention", "paper-out", False),
        ((0, 1, 0, 0, 1, 0, 0), "attention", "head-open", True),
        ((0, 0, 0, 0, 0, 1, 0), "attention", "ribbon-out", True),
        ((0, 1, 2, 0, 0, 0, 0), "attention", "paused", False),
        ((0, 0, 0, 1, 0, 0, 0), "ready", "", False),
    ],
)
def test_host_status_says_why_it_waits(fields: tuple[int, ...], state: str, reason: str, idle: bool) -> None:
    (found,) = HostStatusReader().feed(HS % fields)
    assert (found.status.state, found.status.reason, found.idle) == (state, reason, idle)


@pytest.mark.parametrize("cut", range(0, 80, 7))
def test_answers_come_in_pieces_and_after_noise(cut: int) -> None:
    data = b"\x021\x03noise" + HS % (0, 0, 0, 0, 0, 0, 0) + b"\x02halves\x03" + HS % (1, 1, 0, 0, 0, 0, 1)
    reader = HostStatusReader()
    found = [*reader.feed(data[:cut]), *reader.feed(data[cut:])]
    assert [each.paper_out for each in found] == [False, True]


@given(st.binary(max_size=200) | st.text("\x02\x03,0123456789\r\n", max_size=200).map(str.encode))
def test_any_answer_is_survived(data: bytes) -> None:
    whole, single = HostStatusReader(), HostStatusReader()
    assert whole.feed(data) == [found for byte in data for found in single.feed(bytes([byte]))]
