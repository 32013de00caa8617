"""The checkpoints of a snapshot's segment, column by column: how a large ward is read.

Nearly all of them have one shape, so their parts are cut out at known distances, three times as fast as a decoder
builds a map for each; what stands between the parts is compared. An entry of another shape is decoded.
Source of the entries: protocol way/1, sections 3.3 and 6.3.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final

from sync.kernel import canonical
from sync.kernel.chain import ORDER_KEY_BYTES
from sync.kernel.fact import Key
from sync.kernel.outcome import PeerFault
from sync.protocol.feed import STATE, is_key

_CODE: Final = "feed.entry"
_TEXT: Final = 0x60
"""What CBOR writes before a text of less than 24 bytes, with its length added. A number below 24 is its own byte."""
_BETWEEN: Final = (
    b"\x84\x02", b"\xa7\x01\x58", b"\x02", b"\x03\x58\x31", b"\x04", b"\x05\x50", b"\x06\x50", b"\x07",
)  # fmt: skip
_between = itemgetter(0, 3, 5, 7, 9, 11, 13, 15)
_parts = itemgetter(1, 2, 4, 6, 8, 10, 12, 14, 16)
_point = itemgetter(*range(1, 8))
_NOTHING: Final = (0, b"", b"", 0, b"", b"", b"", b"", 0)


@dataclass(frozen=True, slots=True)
class StateColumns:
    """One item an entry in each. `seen`: the streams of `Checkpoint.seen_streams` as canonical bytes."""

    etype: list[int]
    key: list[Key]
    state: list[bytes]
    rev: list[int]
    floor: list[bytes]
    seen: list[bytes]
    d: list[bytes]
    x: list[bytes]
    fold_version: list[int]


def state_columns(entries: Sequence[bytes]) -> StateColumns:
    """State entries that a signed manifest vouches for, in their order. Raises PeerFault `cbor.*` or `feed.entry`."""
    rows, other = [], []
    for n, data in enumerate(entries):
        try:
            row = _cutter(len(data), data[3], data[data[3] - _TEXT + 7])(data)
        except (IndexError, struct.error):
            other.append(n)
            rows.append(_NOTHING)
            continue
        if _between(row) == _BETWEEN and row[1] < 24 and row[6] < 24 and row[16] < 24 and row[10][0] >> 5 == 4:
            rows.append(_parts(row))
        else:
            other.append(n)
            rows.append(_NOTHING)
    columns: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in _NOTHING]
    try:
        columns[1] = [key.decode() for key in columns[1]]
    except UnicodeDecodeError:
        raise PeerFault(_CODE) from None
    for n, point in zip(other, _decoded([entries[n] for n in other]), strict=True):
        for column, value in zip(columns, point, strict=True):
            column[n] = value
    return StateColumns(*columns)


@lru_cache(maxsize=4096)
def _cutter(size: int, key_head: int, state_size: int) -> Callable[[bytes], tuple[Any, ...]]:
    """Cuts an entry of `size` bytes at every border. Raises struct.error where it cannot have the shape."""
    key = key_head - _TEXT
    seen = size - (3 + 1 + key + 4 + state_size + 2 + 3 + ORDER_KEY_BYTES + 1 + 18 + 18 + 2)
    if not 0 <= key < 24 or seen < 1:
        raise struct.error
    return struct.Struct(f"2sBx{key}s3sx{state_size}ssB3s{ORDER_KEY_BYTES}ss{seen}s2s16s2s16ssB").unpack


def _decoded(entries: Sequence[bytes]) -> list[tuple[Any, ...]]:
    """The same parts by the decoder, with types and lengths looked at."""
    found = []
    for row in canonical.decode_run(entries):
        try:
            kind, etype, key, body = row
            state, rev, floor, seen, d, x, version = _point(body)
        except (ValueError, TypeError, KeyError, IndexError):
            raise PeerFault(_CODE) from None
        exact = ((state, bytes), (rev, int), (floor, bytes), (seen, list), (d, bytes), (x, bytes), (version, int))
        sizes = ((floor, ORDER_KEY_BYTES), (d, 16), (x, 16))
        if (
            (type(kind), kind, type(etype)) != (int, STATE, int)
            or not all(type(part) is kind for part, kind in exact)
            or not all(len(part) == size for part, size in sizes)
            or not is_key(key)
        ):
            raise PeerFault(_CODE)
        found.append((etype, key, state, rev, floor, canonical.encode(seen), d, x, version))
    return found
