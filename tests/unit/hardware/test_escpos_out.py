import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.codecs import code128, qr_size, raster, text_cells
from hardware.codecs.escpos_out import PROOF, encode_image, encode_slip
from hardware.ports import Bitmap
from hardware.twins.escpos_commands import next_command
from hardware.twins.escpos_paper import code128_text
from sync.kernel.outcome import PeerFault
from sync.kernel.paper import Align, Block, Code2d, Code128, Columns, Feed, Line, Rule, Slip


def chequered(text: str, width_dots: int, height_dots: int) -> Bitmap:
    """Stands for a font: its dots spell real-time commands wherever they can."""
    row_bytes = (width_dots + 7) // 8
    return Bitmap(
        width_dots, height_dots, (b"\x10\x04\x10\x05\x10\x14" * (row_bytes * height_dots))[: row_bytes * height_dots]
    )


def encoded(*blocks: Block, width_dots: int = 384, cut: bool = True) -> bytes:
    return encode_slip(Slip(blocks), width_dots, draw=chequered, cut=cut)


HEAD = b"\x1b@\x1c&\x1bR\x00\x1b3\x1e"
TAIL = b"\x1bd\x04\x1dVA\x00\x1dr\x01"


@pytest.mark.row("F10.11")
@pytest.mark.parametrize(
    ("block", "golden"),
    [
        (Line("Ward W12"), b"\x1ba\x00Ward W12\n"),
        (Line("张三"), b"\x1ba\x00\xd5\xc5\xc8\xfd\n"),
        (Line("W12", size=2, bold=True, align="centre"), b"\x1ba\x01\x1d!\x11\x1bE\x01W12\n\x1bE\x00\x1d!\x00"),
        (Line(""), b"\x1ba\x00\n"),
        (Columns("张三", "08:30"), b"\x1ba\x00\xd5\xc5\xc8\xfd" + b" " * 23 + b"08:30\n"),
        (Rule(), b"\x1ba\x00" + b"-" * 32 + b"\n"),
        (Feed(3), b"\x1bd\x03"),
        (
            Code2d("HELLO"),
            b"\x1ba\x01\x1d(k\x04\x001A2\x00\x1d(k\x03\x001C\x06\x1d(k\x03\x001E1\x1d(k\x08\x001P0HELLO\x1d(k\x03\x001Q0",
        ),
        (
            Code128("ZY001234-2"),
            b"\x1ba\x01\x1dw\x02\x1dh\x40\x1dH\x02\x1df\x00\x1dkI\x0d{BZY{C\x00\x0c\x22{B-2\n",
        ),
    ],
)
def test_each_block_has_its_bytes(block: Block, golden: bytes) -> None:
    assert encoded(block) == HEAD + golden + TAIL


def test_a_slip_ends_with_the_question_that_proves_it() -> None:
    assert encoded(Line("x")).endswith(b"\x1dVA\x00" + PROOF)
    assert b"\x1dV" not in encoded(Line("x"), cut=False)


@pytest.mark.row("F10.11")
@pytest.mark.parametrize("text", ["𠮷", "㼆", "䶮", "\ue000", "Müller", "¥5", "张\u0301", "a𠮷b"])
def test_what_the_printer_may_lack_goes_out_as_an_image(text: str) -> None:
    sent = encoded(Line(text))
    assert b"\x1dv0\x00" in sent
    assert text.encode("gb18030") not in sent


@pytest.mark.row("F10.11")
@pytest.mark.parametrize(("width_dots", "columns"), [(384, 32), (576, 48)])
def test_a_long_name_wraps_and_its_time_stays(width_dots: int, columns: int) -> None:
    name = "Maximiliana-Konstantinopolitanskaya-Roth"
    assert len(name) == 40
    sent = encoded(Columns(name, "2026-11-20"), width_dots=width_dots)
    lines = sent[len(HEAD) + 3 : -len(TAIL)].decode("ascii").splitlines()
    assert "".join(lines).replace(" ", "") == name + "2026-11-20"
    assert max(map(len, lines)) <= columns
    assert lines[-1].endswith("2026-11-20") and len(lines[-1]) == columns


@pytest.mark.parametrize("align", ["left", "centre", "right"])
def test_images_never_spell_a_real_time_command(align: Align) -> None:
    sent = encoded(Line("𠮷" * 16, bold=align == "right", align=align))
    assert not any(pair in sent for pair in raster.REAL_TIME)


def test_images_go_out_in_bands() -> None:
    sent = encode_image(Bitmap(16, 30, b"\xff" * 60))
    assert sent == b"\x1dv0\x00\x02\x00\x18\x00" + b"\xff" * 48 + b"\x1dv0\x00\x02\x00\x06\x00" + b"\xff" * 12


def test_emboldening_keeps_the_padding_white() -> None:
    assert raster.embolden(Bitmap(10, 1, b"\x41\x40")).rows == b"\x61\xc0"


@pytest.mark.row("F10.11")
@pytest.mark.parametrize(
    ("text", "width_dots", "level", "modules", "dots"),
    [
        ("A" * 900, 384, "M", 93, 4),
        ("A" * 938, 384, "L", 85, 4),
        ("A" * 938, 576, "M", 97, 5),
        ("1" * 20, 384, "M", 21, 6),
        ("张三" * 20, 384, "M", 45, 6),
    ],
)
def test_codes_have_modules_of_half_a_millimetre_or_more(
    text: str, width_dots: int, level: str, modules: int, dots: int
) -> None:
    assert qr_size.fit(text, width_dots, 4) == (level, modules, dots)
    assert modules * dots <= width_dots


@given(st.text(min_size=1, max_size=700), st.sampled_from(["L", "M"]))
def test_code_sizes_are_those_of_a_real_writer(text: str, level: qr_size.Level) -> None:
    import segno

    if text.encode("utf-8", "replace").decode() != text:
        return
    ours = qr_size.modules(text, level)
    data = text if qr_size.ALPHANUMERIC.issuperset(text) else text.encode()
    mode = None if qr_size.ALPHANUMERIC.issuperset(text) else "byte"
    assert ours == len(segno.make(data, error=level, boost_error=False, micro=False, mode=mode).matrix)


def test_a_code_too_large_for_the_paper_is_refused() -> None:
    with pytest.raises(PeerFault, match="code-too-large"):
        encoded(Code2d("A" * 1200))
    with pytest.raises(PeerFault, match="code-too-wide"):
        encoded(Code128("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))


@pytest.mark.parametrize("text", ["", "张", "a\n", "\x7f"])
def test_a_bar_code_holds_printable_ascii(text: str) -> None:
    with pytest.raises(PeerFault, match=r"code128\.text"):
        code128.stretches(text)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40))
def test_bar_code_stretches_hold_the_whole_text(text: str) -> None:
    import zxingcpp

    parts = code128.stretches(text)
    assert "".join(part for _, part in parts) == text
    assert all(len(part) % 2 == 0 for code_set, part in parts if code_set == "C")
    best = memoryview(zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.Code128).to_image(add_quiet_zones=False))
    assert best.shape is not None and best.shape[1] <= code128.modules(text) <= best.shape[1] + 22


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=14))
def test_a_bar_code_is_what_the_printer_reads(text: str) -> None:
    sent = encoded(Code128(text), width_dots=576)
    start = sent.index(b"\x1dkI")
    command = next_command(sent[start:], chinese=True)
    assert command is not None and code128_text(command.data[2:]) == text


TEXTS = st.text(max_size=120)
BLOCKS = st.one_of(
    st.builds(Line, TEXTS, st.sampled_from([1, 2]), st.booleans(), st.sampled_from(["left", "centre", "right"])),
    st.builds(Columns, TEXTS, TEXTS),
    st.builds(Feed, st.integers(-1, 400)),
    st.just(Rule()),
)


@given(st.lists(BLOCKS, max_size=6), st.sampled_from([384, 576]))
def test_any_text_becomes_commands_a_printer_knows(blocks: list[Block], width_dots: int) -> None:
    """Whatever somebody is called: no character of a text is a command, and nothing is left half said."""
    sent, names = encoded(*blocks, width_dots=width_dots), set()
    while sent:
        command = next_command(sent, chinese=True)
        assert command is not None
        names.add(command.name)
        sent = sent[command.size :]
    assert b"unknown" not in names and b"\x10\x04" not in names


@given(TEXTS, st.integers(2, 48))
def test_wrapping_loses_nothing_and_stays_inside(text: str, columns: int) -> None:
    text = text_cells.clean(text)
    lines = text_cells.wrap(text, columns)
    assert "".join(lines) == text
    assert max(map(text_cells.width, lines)) <= columns


@given(TEXTS, TEXTS, st.sampled_from([32, 48]))
def test_columns_lose_nothing_and_stay_inside(left: str, right: str, columns: int) -> None:
    left, right = text_cells.clean(left), text_cells.clean(right)
    lines = text_cells.two_columns(left, right, columns)
    assert max(map(text_cells.width, lines)) <= columns
    assert "".join(lines).replace(" ", "") == (left + right).replace(" ", "")
