import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.kernel.outcome import PeerFault
from sync.protocol import frames, stick

messages = st.lists(st.binary(min_size=1, max_size=50), max_size=16)


@given(messages)
def test_frames_round_trip(row: list[bytes]) -> None:
    assert frames.unpack(frames.pack(row)) == row
    assert frames.fits(map(len, row)) == len(row)


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("frames.too-many", frames.pack([b"x"] * 17)),
        ("frames.too-big", bytes(2**20 + 1)),
        ("frames.length", b"\0\0\0"),
        ("frames.length", b"\0\0\0\0"),
        ("frames.length", b"\0\0\0\2x"),
        ("frames.length", b"\xff\xff\xff\xffx"),
    ],
)
def test_frames_that_do_not_add_up(code: str, data: bytes) -> None:
    with pytest.raises(PeerFault) as caught:
        frames.unpack(data)
    assert caught.value.code == code


def test_what_fits_in_one_request() -> None:
    assert frames.fits([1] * 20) == 16
    assert frames.fits([2**19, 2**19]) == 1
    assert frames.fits([]) == 0


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=40))
def test_stick_round_trip(row: list[bytes]) -> None:
    assert stick.unpack(stick.pack(row)) == row


def test_a_stick_damaged_anywhere_is_refused_whole() -> None:
    whole = stick.pack([b"one", b"two"])
    for at in range(len(whole)):
        with pytest.raises(PeerFault, match=r"stick\."):
            stick.unpack(whole[:at])
        with pytest.raises(PeerFault, match=r"stick\."):
            stick.unpack(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
    with pytest.raises(PeerFault, match=r"stick\."):
        stick.unpack(whole + b"\0")


def with_digest(body: bytes) -> bytes:
    return body + hashlib.sha256(body).digest()


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("stick.length", b""),
        ("stick.magic", with_digest(b"WAYSTOCK" + bytes(12))),
        ("stick.version", with_digest(b"WAYSTICK\2" + bytes(11))),
        ("stick.shape", with_digest(b"WAYSTICK\1" + b"\1" + bytes(10))),
        ("stick.shape", with_digest(b"WAYSTICK\1" + bytes(7) + b"\0\0\0\1x\0\0\0")),
        ("stick.frames", with_digest(b"WAYSTICK\1" + bytes(7) + b"\0\0\0\2x" + bytes(4))),
        ("stick.frames", with_digest(b"WAYSTICK\1" + bytes(7) + bytes(8))),
    ],
)
def test_a_stick_of_another_shape_honestly_summed(code: str, data: bytes) -> None:
    with pytest.raises(PeerFault) as caught:
        stick.unpack(data)
    assert caught.value.code == code


def test_a_stick_beyond_its_size() -> None:
    with pytest.raises(ValueError):
        stick.pack([bytes(2**20)] * 64)
    with pytest.raises(PeerFault, match=r"stick\.too-big"):
        stick.unpack(bytes(64 * 2**20 + 1))


def test_file_name() -> None:
    assert stick.file_name("courier-a3k7q2xw", 3) == "way-courier-a3k7q2xw-3.way"
