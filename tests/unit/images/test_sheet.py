import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from images.sheet import encode_sheet
from sync.kernel.paper import Align, Block, Code2d, Code128, Columns, Feed, Line, OpenDrawer, Rule, Slip


def none_missing(text: str) -> tuple[str, ...]:
    return ()


def test_every_block_of_a_slip_stands_on_a_sheet() -> None:
    align: Align = "centre"
    blocks: tuple[Block, ...] = (
        Line("病区交接回执", 2, True, align), Rule(), Columns("张三", "08:30"), Feed(2), Code2d("WAY1:A", "1 / 1"),
        Code128("ZY001"), OpenDrawer(), Line("")
    )  # fmt: skip
    whole = encode_sheet(Slip(blocks), title="回执", missing=none_missing)
    assert whole.startswith(b"%PDF-") and whole.rstrip().endswith(b"%%EOF")


@pytest.mark.parametrize("text", ["<script>", "&amp;", "<img src='file:///etc/hostname'>", "a\x00b\ud800", "\u202eabc"])
def test_text_is_text(text: str) -> None:
    """No markup and no file gets in; what cannot be written is a blank."""
    assert encode_sheet(Slip((Line(text), Columns(text, text), Code2d("A", text))), title=text, missing=none_missing)


@settings(max_examples=15)
@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_makes_a_sheet(left: str, right: str) -> None:
    assert encode_sheet(Slip((Columns(left, right),)), title="x", missing=lambda text: tuple(text[:1]))
