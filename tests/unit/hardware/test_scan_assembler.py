import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.codecs.scan_assembler import LineAssembler
from hardware.ports import Scan, ScanTrouble


def read_whole(data: bytes) -> list[Scan | ScanTrouble]:
    lines = LineAssembler("gun", max_bytes=64)
    return lines.feed(data, 1.0) + lines.tick(2.0)


@pytest.mark.row("F10.2")
@pytest.mark.parametrize(
    ("data", "texts", "why"),
    [
        (b"ZY0001\r", ["ZY0001"], "CR ends"),
        (b"ZY0001\n", ["ZY0001"], "LF ends"),
        (b"ZY0001\t", ["ZY0001"], "TAB ends"),
        (b"ZY0001\r\nZY0002\r\n", ["ZY0001", "ZY0002"], "CR LF is one end"),
        (b"\r\n\r\n", [], "ends without a reading are nothing"),
        ("张三\r".encode(), ["张三"], "UTF-8 first"),
        ("张三\r".encode("gb18030"), ["张三"], "then GB18030"),
        ("𠮷\r".encode("gb18030"), ["𠮷"], "its four-byte zone too"),
        (b"]C1010001\x1d10AB\r", ["010001\x1d10AB"], "a separator inside GS1"),
    ],
)
def test_a_reading_ends_and_says_its_text(data: bytes, texts: list[str], why: str) -> None:
    found = read_whole(data)
    assert [scan.text for scan in found if isinstance(scan, Scan)] == texts, why
    assert len(found) == len(texts)


def test_the_prefix_is_told_apart_from_the_text() -> None:
    assert read_whole(b"]C0ZY0001\r") == [Scan("ZY0001", b"]C0ZY0001", "gun", "]C0", True)]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\xff\xff\r", "scan.undecodable"),
        (b"ZY\x0001\r", "scan.control-characters"),
        (b"ZY\x1d01\r", "scan.control-characters"),
        ("ZY\x8501\r".encode(), "scan.control-characters"),
        (b"]C0\r", "scan.empty"),
        (b"9" * 65 + b"9" * 900 + b"\r", "scan.too-long"),
    ],
)
def test_what_is_no_reading_is_one_trouble(data: bytes, code: str) -> None:
    assert read_whole(data) == [ScanTrouble("gun", code)]


def test_after_a_trouble_the_next_reading_is_whole() -> None:
    assert read_whole(b"9" * 500 + b"\rZY0001\r")[1:] == [Scan("ZY0001", b"ZY0001", "gun", None, True)]


def test_silence_ends_a_reading_and_says_so() -> None:
    lines = LineAssembler("gun", silence_s=0.08)
    assert lines.deadline_s is None
    assert lines.feed(b"ZY", 1.0) == []
    assert lines.feed(b"01", 1.05) == []
    assert lines.deadline_s == pytest.approx(1.13)
    assert lines.tick(1.12) == []
    assert lines.tick(1.14) == [Scan("ZY01", b"ZY01", "gun", None, False)]
    assert lines.deadline_s is None


def test_bytes_after_silence_begin_a_reading_of_their_own() -> None:
    lines = LineAssembler("gun", silence_s=0.08)
    lines.feed(b"half", 1.0)
    assert [scan.text for scan in lines.feed(b"ZY01\r", 5.0) if isinstance(scan, Scan)] == ["half", "ZY01"]


def test_silence_ends_a_flood_without_a_word() -> None:
    lines = LineAssembler("gun", silence_s=0.08, max_bytes=4)
    assert lines.feed(b"999999", 1.0) == [ScanTrouble("gun", "scan.too-long")]
    assert lines.tick(2.0) == []
    assert [type(found) for found in lines.feed(b"1\r", 2.0)] == [Scan]


@given(st.binary(max_size=300))
def test_byte_by_byte_gives_the_same(data: bytes) -> None:
    lines = LineAssembler("gun", max_bytes=64)
    found = [item for byte in data for item in lines.feed(bytes([byte]), 1.0)] + lines.tick(2.0)
    assert found == read_whole(data)
    assert all(len(item.raw) <= 64 for item in found if isinstance(item, Scan))


@given(st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=40))
def test_every_text_comes_through_in_utf_8(text: str) -> None:
    found = read_whole(text.encode()[:64] + b"\r") if len(text.encode()) <= 64 and text[0] != "]" else None
    assert found is None or [scan.text for scan in found if isinstance(scan, Scan)] == [text]
