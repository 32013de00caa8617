"""Files of HL7 messages."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.features.imports.files import split_file
from sync.kernel.outcome import Refused

ONE = b"MSH|^~\\&|HIS\rPID|1\r"
TWO = "MSH|^~\\&|HIS\rPID|2||张三\r".encode("gb18030")


@pytest.mark.parametrize(
    ("data", "lines", "why"),
    [
        (ONE + TWO, [1, 3], "one after the other"),
        (b"FHS|^~\\&\rBHS|^~\\&\r" + ONE + TWO + b"BTS|2\rFTS|1\r", [3, 5], "batch headers"),
        ((ONE + TWO).replace(b"\r", b"\n"), [1, 3], "lines of a text editor"),
        ((ONE + TWO).replace(b"\r", b"\r\n"), [1, 3], "lines of another one"),
        (b"\xef\xbb\xbf" + ONE + b"\r\r" + TWO, [1, 5], "mark and blank lines"),
        (b"\x0b" + ONE + b"\x1c\r\x0b" + TWO + b"\x1c\r", [1, 4], "framed as on the line"),
        (b"\x0b" + ONE + b"\x1c\x0b" + TWO + b"\x1c", [1, 3], "framed without the last byte"),
        (b"notes\rPID|0\r" + ONE + TWO, [3, 5], "lines that belong to nothing"),
    ],
)
@pytest.mark.row("A05.8")
def test_messages_and_where_they_begin(data, lines, why):
    got = split_file(data)
    assert not isinstance(got, Refused)
    assert [message.line for message in got] == lines, why
    assert [message.raw for message in got] == [ONE, TWO], why


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "import.empty"),
        (b"\r\n ", "import.empty"),
        (b"PID|1\rPV1|1\r", "import.no-messages"),
        (b"FHS|\rBHS|\rBTS|\rFTS|\r", "import.no-messages"),
        (b"x" * (10 * 1024 * 1024 + 1), "import.too-large"),
        (b"MSH|\r" * 50_001, "import.too-many-messages"),
    ],
)
def test_files_without_use(data, code):
    got = split_file(data)
    assert isinstance(got, Refused) and got.code == code


def test_ten_megabytes_of_line_ends_are_passed_over_quickly():
    started = time.monotonic()
    for filler in (b"\r", b"\r\n", b"x\r", b"\x0b", b"\x1c"):
        got = split_file((filler * (10 * 1024 * 1024 // len(filler)))[: 10 * 1024 * 1024 - len(ONE)] + b"\r" + ONE)
        assert isinstance(got, Refused) or got[-1].raw == ONE
    assert time.monotonic() - started < 120


@given(st.binary(max_size=300))
def test_any_bytes(data):
    got = split_file(data)
    assert isinstance(got, Refused) or all(message.raw.startswith(b"MSH") for message in got)
