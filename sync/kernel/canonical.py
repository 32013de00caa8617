"""The CBOR subset that crosses the wire: one value, one encoding.

Source: protocol way/1, section 2, "CBOR subset" (a profile of RFC 8949, section 4.2.1). Integers within 64 bits signed,
byte and text strings, arrays, maps with ascending unsigned keys, true, false, null; shortest forms, definite lengths;
no tags, floats or duplicates; at most 8 containers inside each other; text is NFC.

Decoding is the library's strict decode and one walk over exact types, key order and shortest lengths. The walk adds up
what the shortest encoding would take: every form that was longer than needed, and every byte after the end, makes the
input longer than that sum, so equal lengths prove equal bytes. (Encoding again to compare, as the protocol page has
it, gives the same answers; on facts of 140 bytes it took 4.0 us, the sum takes 0.3.) Tags are refused while decoding:
a shared reference (tags 28, 29) or string reference (25, 256) could otherwise make a few bytes unfold without end.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any, Final, NoReturn

import cbor2

from sync.kernel.limits import CBOR_DEPTH_MAX, FACT_BYTES_MAX, INT_MAX, INT_MIN
from sync.kernel.outcome import PeerFault


def _no_tag(*_: object) -> NoReturn:
    raise PeerFault("cbor.tag")


# Every tag that the library would decode by itself; the others come out as CBORTag and fall to the type walk.
# Source: cbor2 6.2.1, documentation, "Tag support".
_TAGS = dict.fromkeys(
    (0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799), _no_tag
)
_STRICT: Final[Mapping[str, Any]] = {
    "semantic_decoders": _TAGS,
    "max_depth": CBOR_DEPTH_MAX,
    "allow_indefinite": False,
    "allow_duplicate_keys": False,
}
_RUN: Final[Mapping[str, Any]] = {**_STRICT, "max_depth": CBOR_DEPTH_MAX + 1}
_ARRAY = b"\x9a"
"""An array whose length follows in 4 bytes."""
_UNREADABLE = (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError, MemoryError)
"""TypeError: an unhashable map key. MemoryError: a declared length that nobody can hold."""
_is_normalized = unicodedata.is_normalized


def decode(data: bytes, *, max_bytes: int = FACT_BYTES_MAX) -> Any:
    """The one value in `data`: int, str, bytes, bool, None, list or dict with int keys.

    Raises PeerFault `cbor.too-long`, `cbor.malformed`, `cbor.tag`, `cbor.type`, `cbor.integer`, `cbor.key-order`,
    `cbor.not-nfc` or `cbor.not-canonical` (longer forms than needed, bytes after the end).
    """
    if len(data) > max_bytes:
        raise PeerFault("cbor.too-long")
    try:
        value = cbor2.loads(data, **_STRICT)
    except _UNREADABLE as fault:
        raise _refusal(fault) from None
    if _size(value, CBOR_DEPTH_MAX) != len(data):
        raise PeerFault("cbor.not-canonical")
    return value


def decode_run(items: Sequence[bytes]) -> list[Any]:
    """The one value in each of many byte strings that the hub encoded and signed.

    Safe to decode, but not walked (most of `decode`). They are read as one array: a call for each costs a quarter of
    the time. Raises PeerFault `cbor.malformed` or `cbor.tag`.
    """
    whole = _ARRAY + len(items).to_bytes(4, "big") + b"".join(items)
    stream = BytesIO(whole)
    try:
        values: list[Any] = cbor2.load(stream, **_RUN)
    except _UNREADABLE as fault:
        raise _refusal(fault) from None
    if stream.tell() != len(whole):
        raise PeerFault("cbor.malformed")
    return values


def _refusal(fault: Exception) -> PeerFault:
    return PeerFault("cbor.tag" if isinstance(fault.__cause__, PeerFault) else "cbor.malformed")


def encode(value: object) -> bytes:
    """The bytes of `value`; maps are sorted, tuples are arrays. Raises ValueError for what the subset cannot say."""
    try:
        _size(value, CBOR_DEPTH_MAX)
    except PeerFault:
        value = _ordered(value, CBOR_DEPTH_MAX)
    return cbor2.dumps(value)


def _size(value: Any, depth: int) -> int:
    """How many bytes the shortest encoding takes. Raises PeerFault for what is outside the subset."""
    kind = type(value)
    if kind is int:
        if value < 0:
            value = ~value
        if value > INT_MAX:
            raise PeerFault("cbor.integer")
        return 1 if value < 24 else _head(value)
    if kind is str:
        if value.isascii():
            length = len(value)
        elif _is_normalized("NFC", value):
            length = len(value.encode())
        else:
            raise PeerFault("cbor.not-nfc")
        return length + (1 if length < 24 else _head(length))
    if kind is bytes:
        length = len(value)
        return length + (1 if length < 24 else _head(length))
    if value is None or kind is bool:
        return 1
    if depth == 0:  # the library does not count an empty container
        raise PeerFault("cbor.malformed")
    depth -= 1
    if kind is dict:
        total = _head(len(value))
        last = -1
        for key, item in value.items():
            if type(key) is not int:
                raise PeerFault("cbor.type")
            if key <= last:
                raise PeerFault("cbor.key-order")
            last = key
            total += (1 if key < 24 else _head(key)) + _size(item, depth)
        if last > INT_MAX:
            raise PeerFault("cbor.integer")
        return total
    if kind is list:
        total = _head(len(value))
        for item in value:
            total += _size(item, depth)
        return total
    raise PeerFault("cbor.type")


def _head(number: int) -> int:
    if number < 24:
        return 1
    if number < 256:
        return 2
    if number < 65536:
        return 3
    return 5 if number < 4294967296 else 9


def _ordered(value: object, depth: int) -> object:
    if value is None or isinstance(value, bool | bytes):
        return value
    if isinstance(value, int):
        if not INT_MIN <= value <= INT_MAX:
            raise ValueError("integer beyond 64 bits")
        return int(value)
    if isinstance(value, str):
        if not value.isascii() and not _is_normalized("NFC", value):
            raise ValueError("text is not NFC")
        return str.__str__(value)
    if depth == 0:
        raise ValueError("too deep")
    if isinstance(value, dict):
        if not all(type(key) is int and 0 <= key <= INT_MAX for key in value):
            raise ValueError("map keys are unsigned integers")
        return {key: _ordered(value[key], depth - 1) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_ordered(item, depth - 1) for item in value]
    raise ValueError(f"no such value in the subset: {type(value).__name__}")
