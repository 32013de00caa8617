from collections.abc import Callable
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.kernel import canonical
from sync.kernel.limits import INT_MAX, INT_MIN
from sync.kernel.outcome import PeerFault

text = st.text().map(lambda s: normalize("NFC", s.encode("utf-8", "ignore").decode()))
leaves = st.none() | st.booleans() | st.integers(INT_MIN, INT_MAX) | st.binary(max_size=40) | text
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(0, INT_MAX), inner, max_size=4),
    max_leaves=8,
)


def depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


GOOD = [
    ("00", 0, "smallest integer"),
    ("1818", 24, "first integer of two bytes"),
    ("1b7fffffffffffffff", INT_MAX, "largest"),
    ("3b7fffffffffffffff", INT_MIN, "smallest"),
    ("f6", None, "null"),
    ("a201020203", {1: 2, 2: 3}, "ascending keys"),
    ("8181818181818180", [[[[[[[[]]]]]]]], "eight containers"),
    ("63e9a9bf", "驿", "three bytes of UTF-8"),
]
BAD = [
    ("", "cbor.malformed", "nothing"),
    ("0000", "cbor.not-canonical", "bytes after the end"),
    ("1817", "cbor.not-canonical", "23 in two bytes"),
    ("190018", "cbor.not-canonical", "24 in three bytes"),
    ("5801ff", "cbor.not-canonical", "length 1 in two bytes"),
    ("1b8000000000000000", "cbor.integer", "2**63"),
    ("3b8000000000000000", "cbor.integer", "-2**63 - 1"),
    ("a11b800000000000000000", "cbor.integer", "a key of 2**63"),
    ("f97e00", "cbor.type", "half float NaN"),
    ("fb3ff0000000000000", "cbor.type", "1.0"),
    ("f7", "cbor.type", "undefined"),
    ("e0", "cbor.type", "simple value 0"),
    ("f814", "cbor.malformed", "false in two bytes"),
    ("9fff", "cbor.malformed", "indefinite array"),
    ("5f41ffff", "cbor.malformed", "indefinite bytes"),
    ("bfff", "cbor.malformed", "indefinite map"),
    ("a201010102", "cbor.malformed", "the same key twice"),
    ("a202010102", "cbor.key-order", "2 before 1"),
    ("a1200" + "0", "cbor.key-order", "a negative key"),
    ("a1616100", "cbor.type", "a text key"),
    ("a1f500", "cbor.type", "a true key"),
    ("a18000", "cbor.type", "an array key"),
    ("c24105", "cbor.tag", "big number"),
    ("c11a00000000", "cbor.tag", "instant"),
    ("d81c81d81d00", "cbor.tag", "a list that holds itself"),
    ("d901008261616161", "cbor.tag", "string references"),
    ("d9d9f705", "cbor.tag", "self-described"),
    ("d8ff01", "cbor.type", "a tag nobody knows"),
    ("818181818181818180", "cbor.malformed", "nine containers"),
    ("81" * 30000, "cbor.malformed", "thirty thousand containers"),
    ("61ff", "cbor.malformed", "not UTF-8"),
    ("63eda080", "cbor.malformed", "a lone surrogate"),
    ("6365cc81", "cbor.not-nfc", "e and an accent apart"),
    ("5b7fffffffffffffff", "cbor.malformed", "a length that nobody has"),
    ("9b7fffffffffffffff", "cbor.malformed", "a count that nobody has"),
    ("bb7fffffffffffffff", "cbor.malformed", "a map that nobody has"),
    ("59ffff", "cbor.malformed", "cut short"),
]


@pytest.mark.parametrize(("raw", "value", "why"), GOOD, ids=[row[2] for row in GOOD])
def test_the_subset(raw: str, value: object, why: str) -> None:
    assert canonical.decode(bytes.fromhex(raw)) == value
    assert canonical.encode(value) == bytes.fromhex(raw)


@pytest.mark.parametrize(("raw", "code", "why"), BAD, ids=[row[2] for row in BAD])
def test_outside_the_subset(raw: str, code: str, why: str) -> None:
    with pytest.raises(PeerFault) as caught:
        canonical.decode(bytes.fromhex(raw))
    assert caught.value.code == code


def test_longer_than_asked_is_refused_before_reading() -> None:
    with pytest.raises(PeerFault, match=r"cbor\.too-long"):
        canonical.decode(b"\x40", max_bytes=0)
    with pytest.raises(PeerFault, match=r"cbor\.too-long"):
        canonical.decode(b"\xff" * 65537)


@pytest.mark.parametrize(
    "value", [1.0, 2**63, -(2**63) - 1, {"a": 1}, {True: 1}, {-1: 1}, {1, 2}, "e\u0301", "\ud800", [[[[[[[[[1]]]]]]]]]]
)
def test_encode_refuses_what_it_could_not_read_back(value: object) -> None:
    with pytest.raises(ValueError):
        canonical.encode(value)


def test_encode_sorts_maps_and_takes_tuples_as_arrays() -> None:
    assert canonical.encode({24: (1, 2), 1: True}) == bytes.fromhex("a201f51818820102")


@given(values)
def test_round_trip(value: object) -> None:
    if depth(value) <= 8:
        assert canonical.decode(canonical.encode(value)) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_one_value_with_one_encoding_or_a_fault(data: bytes) -> None:
    try:
        value = canonical.decode(data)
    except PeerFault:
        return
    assert canonical.encode(value) == data


def loose(value: object, wider: Callable[[list[int]], int]) -> bytes:
    """An encoding of `value` whose heads may be longer than needed."""

    def head(major: int, number: int) -> bytes:
        widths = [width for width, top in ((0, 24), (1, 2**8), (2, 2**16), (4, 2**32), (8, 2**64)) if number < top]
        width = wider(widths)
        if width == 0:
            return bytes([major << 5 | number])
        return bytes([major << 5 | 23 + width.bit_length()]) + number.to_bytes(width, "big")

    if value is None or isinstance(value, bool):
        return {None: b"\xf6", True: b"\xf5", False: b"\xf4"}[value]
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, ~value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(loose(item, wider) for item in value)
    assert isinstance(value, dict)
    return head(5, len(value)) + b"".join(head(0, key) + loose(value[key], wider) for key in value)


@given(values, st.data())
def test_of_all_encodings_of_a_value_one_is_taken(value: object, data: st.DataObject) -> None:
    raw = loose(value, lambda widths: data.draw(st.sampled_from(widths)))
    try:
        assert canonical.encode(canonical.decode(raw)) == raw
    except PeerFault:
        assert depth(value) > 8 or raw != canonical.encode(value)
    else:
        assert canonical.decode(raw) == value


@given(st.lists(values, max_size=6))
def test_a_run_is_its_values(held: list[object]) -> None:
    assert canonical.decode_run([canonical.encode(value) for value in held]) == held


@pytest.mark.parametrize(
    ("items", "code"),
    (
        (("01", "0202"), "cbor.malformed"),
        (("01", "8201"), "cbor.malformed"),
        (("01", ""), "cbor.malformed"),
        (("a201010102",), "cbor.malformed"),
        (("9f01ff",), "cbor.malformed"),
        (("00", "c101"), "cbor.tag"),
        (("d81c80",), "cbor.tag"),
    ),
)
def test_a_run_of_what_is_not_one_value_each_is_refused(items: tuple[str, ...], code: str) -> None:
    with pytest.raises(PeerFault) as told:
        canonical.decode_run([bytes.fromhex(item) for item in items])
    assert told.value.code == code
