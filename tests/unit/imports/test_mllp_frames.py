"""Where messages begin and end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.features.imports.mllp_frames import Deframer, Frame, frame

A, B = Frame(b"MSH|a"), Frame(b"MSH|b")


@pytest.mark.parametrize(
    ("data", "frames", "why"),
    [
        (frame(b"MSH|a") + frame(b"MSH|b"), [A, B], "one after the other"),
        (b"noise\r\n" + frame(b"MSH|a") + b"\x1c\x1cnoise" + frame(b"MSH|b"), [A, B], "noise between"),
        (b"\x0bMSH|x" + frame(b"MSH|b"), [B], "the sender began again"),
        (b"\x0bMSH|a\x1c\x0bMSH|b\x1c", [A, B], "without the last byte"),
        (b"\x0bMSH|a", [], "not ended"),
        (b"MSH|a\x1c\r", [], "not begun"),
        (b"\x0b" + b"x" * 5000 + b"\x1c\r" + frame(b"MSH|b"), [Frame(b"x" * 4096, whole=False), B], "too large"),
        (
            b"\x0b" + b"x" * 9000 + frame(b"MSH|b"),
            [Frame(b"x" * 4096, whole=False), B],
            "too large, began again inside",
        ),
        (frame(b""), [Frame(b"")], "empty"),
    ],
)
def test_frames(data, frames, why):
    whole = Deframer(4500)
    assert whole.feed(data) == frames, why
    single = Deframer(4500)
    found = [one for byte in data for one in single.feed(bytes([byte]))]
    assert found == frames, why


@given(
    st.lists(st.lists(st.sampled_from([b"\x0b", b"\x1c", b"\r", b"x", b"MSH"]), max_size=20).map(b"".join)),
    st.integers(1, 50),
)
def test_any_bytes_in_any_cuts_give_the_same_messages(parts, limit):
    whole, cut = Deframer(limit), Deframer(limit)
    at_once = whole.feed(b"".join(parts))
    in_parts = [one for part in parts for one in cut.feed(part)]
    assert [one.whole for one in at_once] == [one.whole for one in in_parts]
    assert [one.data for one in at_once] == [one.data for one in in_parts]
    assert all(len(one.data) <= limit for one in at_once)
