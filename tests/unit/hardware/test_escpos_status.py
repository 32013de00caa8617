import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.codecs.escpos_status import InOrder, RealTime, StatusReader, ask, next_question, status_of
from hardware.ports import PrinterStatus

FINE = {1: 0x12, 2: 0x12, 4: 0x12}


@pytest.mark.parametrize(
    ("sent", "found", "why"),
    [
        (b"\x12", [RealTime(0x12)], "bits 1 and 4 set, 0 and 7 clear"),
        (b"\x7e", [RealTime(0x7E)], "paper out and near its end"),
        (b"\x00", [InOrder(0)], "paper is there"),
        (b"\x0f", [InOrder(0x0F)], "no paper, as some models say it"),
        (b"\x11\x12\x13", [RealTime(0x12)], "flow control is no status"),
        (b"\x14\x00\x00\x0f\x12", [RealTime(0x12)], "an automatic block of four is discarded"),
        (b"\x92\xff\x93", [], "bit 7 is never set"),
        (b"", [], "silence is no answer"),
    ],
)
def test_answers_are_picked_by_their_fixed_bits(sent: bytes, found: list[object], why: str) -> None:
    assert StatusReader().feed(sent) == found, why


@pytest.mark.row("F10.12")
@pytest.mark.parametrize(
    ("answers", "status"),
    [
        (FINE, PrinterStatus("ready")),
        (FINE | {4: 0x1E}, PrinterStatus("ready", "", near_end=True)),
        (FINE | {1: 0x1A, 2: 0x16}, PrinterStatus("attention", "cover-open")),
        (FINE | {1: 0x1A, 2: 0x32}, PrinterStatus("attention", "paper-out")),
        (FINE | {4: 0x72}, PrinterStatus("attention", "paper-out")),
        (FINE | {2: 0x52}, PrinterStatus("attention", "error")),
        (FINE | {2: 0x52, 3: 0x1A}, PrinterStatus("attention", "cutter")),
        (FINE | {2: 0x56, 3: 0x1A}, PrinterStatus("attention", "cover-open")),
        (FINE | {1: 0x1A}, PrinterStatus("attention", "offline")),
        (FINE | {3: 0x1A}, PrinterStatus("attention", "cutter")),
        ({}, PrinterStatus("unknown", "silent")),
        ({2: 0x12, 4: 0x12}, PrinterStatus("unknown", "silent")),
        ({2: 0x16}, PrinterStatus("attention", "cover-open")),
    ],
)
def test_a_printer_is_ready_only_when_it_said_so(answers: dict[int, int], status: PrinterStatus) -> None:
    assert status_of(answers) == status


@pytest.mark.parametrize(
    ("answers", "n"),
    [({}, 2), ({2: 0x12}, 4), ({2: 0x12, 4: 0x12}, 1), (FINE, None), (FINE | {2: 0x52}, 3), (FINE | {2: 0x16}, None)],
)
def test_which_error_it_is_is_asked_of_a_printer_that_has_one(answers: dict[int, int], n: int | None) -> None:
    assert next_question(answers) == n


def test_a_question_is_three_bytes() -> None:
    assert ask(4) == b"\x10\x04\x04"


@given(st.binary(max_size=60))
def test_any_bytes_are_survived_one_by_one(data: bytes) -> None:
    reader = StatusReader()
    assert [found for byte in data for found in reader.feed(bytes([byte]))] == StatusReader().feed(data)
