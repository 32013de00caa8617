"""The CBOR subset that crosses the wire: one value, one encoding.

Source: protocol way/1, section 2, "CBOR subset" (a profile of RFC 8949, section 4.2.1). Integers within 64 bits signed,
byte and text strings, arrays, maps with ascending unsigned keys, true, false, null; shortest forms, definite lengths;
no tags, floats or duplicates; at most 8 containers inside each other; text is NFC.

Decoding is three steps: the library's strict decode, a walk over exact types and key order, and encoding again to
compare bytes. Tags are refused while decoding: a shared reference (tags 28, 29) or string reference (25, 256) could
otherwise make a few bytes unfold without end in the walk.
"""

from __future__ import annotations

import unicodedata
from typing import Any, NoReturn

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
_is_normalized = unicodedata.is_normalized


def decode(data: bytes, *, max_bytes: int = FACT_BYTES_MAX) -> Any:
    """The one value in `data`: int, str, bytes, bool, None, list or dict with int keys.

    Raises PeerFault `cbor.too-long`, `cbor.malformed`, `cbor.tag`, `cbor.type`, `cbor.integer`, `cbor.key-order`,
    `cbor.not-nfc` or `cbor.not-canonical` (longer forms than needed, bytes after the end).
    """
    if len(data) > max_bytes:
        raise PeerFault("cbor.too-long")
    try:
        value = cbor2.loads(
            data,
            semantic_decoders=_TAGS,
            max_depth=CBOR_DEPTH_MAX,
            allow_indefinite=False,
            allow_duplicate_keys=False,
        )
    except cbor2.CBORError as error:
        raise PeerFault("cbor.tag" if isinstance(error.__cause__, PeerFault) else "cbor.malformed") from None
    except (ValueError, TypeError, OverflowError, RecursionError, MemoryError):
        # TypeError: an unhashable map key. MemoryError: a declared length that nobody can hold.
        raise PeerFault("cbor.malformed") from None
    _check(value, CBOR_DEPTH_MAX)
    if cbor2.dumps(value) != data:
        raise PeerFault("cbor.not-canonical")
    return value


def encode(value: object) -> bytes:
    """The bytes of `value`; maps are sorted, tuples are arrays. Raises ValueError for what the subset cannot say."""
    return cbor2.dumps(_ordered(value, CBOR_DEPTH_MAX))


def _check(value: Any, depth: int) -> None:
    kind = type(value)
    if kind is int:
        if not INT_MIN <= value <= INT_MAX:
            raise PeerFault("cbor.integer")
    elif kind is str:
        if not value.isascii() and not _is_normalized("NFC", value):
            raise PeerFault("cbor.not-nfc")
    elif kind is bytes or value is None or kind is bool:
        return
    elif depth == 0:  # the library does not count an empty container
        raise PeerFault("cbor.malformed")
    elif kind is dict:
        last = -1
        for key, item in value.items():
            if type(key) is not int:
                raise PeerFault("cbor.type")
            if key <= last:
                raise PeerFault("cbor.key-order")
            last = key
            _check(item, depth - 1)
        if last > INT_MAX:
            raise PeerFault("cbor.integer")
    elif kind is list:
        for item in value:
            _check(item, depth - 1)
    else:
        raise PeerFault("cbor.type")


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
