from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.codecs import escpos_status, tspl, zpl
from hardware.codecs.escpos_out import END_HALF, PROOF
from hardware.codecs.printer_recording import EARS, Ear

QUESTIONS = {
    "escpos": [*(escpos_status.ask(n) for n in range(1, 5)), PROOF, END_HALF],
    "tspl": [tspl.ASK_STATUS, tspl.ask_in_order("QWERTY"), tspl.END_HALF],
    "zpl": [zpl.ASK_STATUS, zpl.BEFORE_LABEL],
}
KEPT_MAX = {"escpos": 1, "tspl": len("QWERTY\r\n"), "zpl": 3 * 82}
"""Bytes a question."""


@pytest.mark.parametrize(
    ("language", "asked", "came", "kept", "why"),
    [
        ("escpos", b"\x10\x04\x02", b"\x12", b"\x12", "an answer"),
        ("escpos", b"\x10\x04\x02", b"\x12\x12", b"\x12", "one answer a question"),
        ("escpos", b"\x10\x04\x02", b"\x11\x13\x00\x12", b"\x12", "neither flow control nor what nobody asked"),
        ("escpos", PROOF, b"\x6c", b"\x0c", "the bits of the sensors"),
        ("escpos", b"", b"\x12\x00", b"", "nobody asked"),
        ("tspl", b"\x1b!?", b"\x20\x20", b"\x20", "one answer a question"),
        ("tspl", b'OUT "AB"\r\n', b"AB\r\n", b"AB\r\n", "the word"),
        ("tspl", b'OUT "AB"\r\n', b"NAME AB", b"AB", "no other word"),
        ("tspl", b'OUT "AB";PRINT 1', b"AB", b"", "no question of ours"),
        ("zpl", b"~HS", b"\x02030,0\x03\r\n", b"\x02030,0\x03", "a line"),
        ("zpl", b"~HS", b"^FD12345", b"", "no line"),
        ("zpl", b"~HS", b"\x021^FD12345\x03", b"\x021", "what is in no answer ends it"),
        ("zpl", b"~HS", b"\x02" + b"1" * 200, b"\x02" + b"1" * 79, "a line has an end"),
    ],
)  # fmt: skip
def test_of_answers_what_was_asked_for_is_kept(language: str, asked: bytes, came: bytes, kept: bytes, why: str) -> None:
    ear = EARS[language]()
    ear.asked(asked)
    assert ear.heard(came) == kept, why


def test_a_slip_is_paper_that_asks_whether_it_came_out() -> None:
    ear = EARS["escpos"]()
    assert not ear.asked(b"\x1b@ slip" + PROOF)
    assert ear.heard(b"\x00\x00") == b"\x00"


@pytest.mark.parametrize("language", EARS)
@given(papers=st.lists(st.binary(max_size=300), max_size=5), asked=st.integers(0, 3))
def test_any_bytes_bring_no_more_in_than_was_asked(language: str, papers: list[bytes], asked: int) -> None:
    ear = EARS[language]()
    for n in range(asked):
        assert ear.asked(QUESTIONS[language][n % len(QUESTIONS[language])])
    kept = b"".join(ear.heard(paper) for paper in papers)
    assert len(kept) <= asked * KEPT_MAX[language]
    assert byte_by_byte(EARS[language], language, asked, b"".join(papers)) == kept


def byte_by_byte(make: Callable[[], Ear], language: str, asked: int, data: bytes) -> bytes:
    ear = make()
    for n in range(asked):
        ear.asked(QUESTIONS[language][n % len(QUESTIONS[language])])
    return b"".join(ear.heard(bytes([byte])) for byte in data)
