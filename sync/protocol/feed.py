"""What comes down: the entries of a scope's feed, their chain, and the digests that tell two copies apart.

Entries are arrays, the kind first; in a segment each travels as one byte string, as facts do in a batch.
Source: protocol way/1, sections 3.3 (checkpoint), 6.3 (entries, chain) and 6.6 (set hashes).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cbor2

from sync.kernel import canonical
from sync.kernel.chain import ORDER_KEY_BYTES
from sync.kernel.chain import xor as xor
from sync.kernel.fact import Key
from sync.kernel.ids import NODE_PATTERN
from sync.kernel.limits import BUCKETS, FACT_BYTES_MAX, KEY_BYTES_MAX, KEY_TEXT_BYTES_MAX
from sync.kernel.outcome import PeerFault
from sync.kernel.suite import Hasher
from sync.protocol.fields import COUNT, H16, INCARNATION, LANE, Check, Fields, count, raw, raw_up_to

FACT, STATE, EVICT, GONE = range(1, 5)
ENTRY_BYTES_MAX = 2 * FACT_BYTES_MAX
"""A fact or a state of 64 KiB and what is said about it."""


def _heads(major: int) -> list[bytes]:
    """What CBOR writes before 0 to 255 bytes."""
    return [bytes((major + length,)) if length < 24 else bytes((major + 24, length)) for length in range(256)]


_BYTES_HEADS, _TEXT_HEADS = _heads(0x40), _heads(0x60)
_CODE = "feed.entry"
_REV = count(2**32 - 1, least=1)
_ETYPE = count(65535)


@dataclass(frozen=True, slots=True)
class FactEntry:
    """A fact with the hub's annotation; `fact` is its bytes."""

    node: str
    incarnation: int
    lane: int
    seq: int
    order: int
    rev: int
    line: int
    seen: int
    fact: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """An entity folded up to `rev`. `floor` is the greatest order key inside; `d` and `x` are its set digests.

    `state`: the dumped state, canonical bytes. `seen_streams`: (node, incarnation, lane, highest seq of this entity).
    """

    state: bytes
    rev: int
    floor: bytes
    seen_streams: tuple[tuple[str, int, int, int], ...]
    d: bytes
    x: bytes
    fold_version: int

    def body(self) -> Mapping[int, Any]:
        """The numbered map."""
        return {
            1: self.state,
            2: self.rev,
            3: self.floor,
            4: self.seen_streams,
            5: self.d,
            6: self.x,
            7: self.fold_version,
        }

    @classmethod
    def read(cls, body: object) -> Checkpoint:
        """Raises PeerFault `feed.entry`."""
        fields = Fields(body, _CODE)
        seen = fields.rows(4, _is_node, INCARNATION, LANE, COUNT)
        return cls(
            state=fields.one(1, raw_up_to(FACT_BYTES_MAX)),
            rev=fields.one(2, _REV),
            floor=fields.one(3, raw(ORDER_KEY_BYTES)),
            seen_streams=tuple((node, incarnation, lane, seq) for node, incarnation, lane, seq in seen),
            d=fields.one(5, H16),
            x=fields.one(6, H16),
            fold_version=fields.one(7, COUNT),
        )


@dataclass(frozen=True, slots=True)
class StateEntry:
    """A fresh checkpoint: replaces an older copy whole."""

    etype: int
    key: Key
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class EvictEntry:
    """The entity left this scope. Not a deletion of the entity."""

    etype: int
    key: Key


@dataclass(frozen=True, slots=True)
class GoneEntry:
    """The entity is past retention or shredded: delete, and refuse later entries until `until` (hub HLC)."""

    etype: int
    key: Key
    until: int


Entry = FactEntry | StateEntry | EvictEntry | GoneEntry


def encode_entry(entry: Entry) -> bytes:
    """The bytes that are chained and sent. Values come from facts and states already checked."""
    if isinstance(entry, FactEntry):
        return cbor2.dumps(
            [FACT, entry.node, entry.incarnation, entry.lane, entry.seq, entry.order, entry.rev, entry.line,
             entry.seen, entry.fact]
        )  # fmt: skip
    if isinstance(entry, StateEntry):
        return canonical.encode([STATE, entry.etype, entry.key, dict(entry.checkpoint.body())])
    if isinstance(entry, EvictEntry):
        return canonical.encode([EVICT, entry.etype, entry.key])
    return canonical.encode([GONE, entry.etype, entry.key, entry.until])


def decode_entry(data: bytes) -> Entry:
    """Raises PeerFault `cbor.*`, `feed.entry`, or `feed.unknown-entry` for a kind of a newer hub: count it, go on."""
    row = canonical.decode(data, max_bytes=ENTRY_BYTES_MAX)
    if type(row) is not list or not row or type(row[0]) is not int:
        raise PeerFault(_CODE)
    kind, rest = row[0], row[1:]
    if kind == FACT:
        checks: tuple[Check, ...] = (
            _is_node, INCARNATION, LANE, count(least=1), COUNT, _REV, count(65535), count(2**32 - 1),
            raw_up_to(FACT_BYTES_MAX),
        )  # fmt: skip
        return FactEntry(*_columns(rest, *checks))
    if kind == STATE:
        etype, key, point = _columns(rest, _ETYPE, is_key, lambda value: type(value) is dict)
        return StateEntry(etype, key, Checkpoint.read(point))
    if kind == EVICT:
        return EvictEntry(*_columns(rest, _ETYPE, is_key))
    if kind == GONE:
        return GoneEntry(*_columns(rest, _ETYPE, is_key, COUNT))
    raise PeerFault("feed.unknown-entry")


def next_e(hasher: Hasher, label: str, sseq: int, prev_e: bytes, entry: bytes) -> bytes:
    """The feed's chain hash at `sseq`. The hash before sseq 1 is 32 zero bytes."""
    place = b"way/1 feed\0" + label.encode("ascii") + b"\0" + sseq.to_bytes(8, "big")
    return hasher(place + prev_e + hasher(entry).digest()).digest()


def bucket_of(hasher: Hasher, etype: int, key: Key) -> int:
    """Which of the 256 buckets an entity falls into."""
    return hasher(_name(etype, key)).digest()[0]


def set_item(hasher: Hasher, etype: int, key: Key, x: bytes) -> bytes:
    """An entity of a scope with the X of its copy, as 16 bytes to be XORed into its bucket."""
    return hasher(_name(etype, key) + x).digest()[:16]


def bucket_values(hasher: Hasher, members: Iterable[tuple[int, Key, bytes]]) -> list[bytes]:
    """The 256 values of 16 bytes over (entity type, key, X) of a scope's members, in any order."""
    buckets: list[list[bytes]] = [[] for _ in range(BUCKETS)]
    for etype, key, x in members:
        hashed = hasher(_name(etype, key))
        at = hashed.digest()[0]
        hashed.update(x)
        buckets[at].append(hashed.digest())
    return [_folded(bucket)[:16] for bucket in buckets]


def _folded(digests: Sequence[bytes]) -> bytes:
    """The XOR of digests of 32 bytes: the lower half of them against the upper one, as whole numbers, down to one."""
    left = len(digests)
    value = int.from_bytes(b"".join(digests), "big")
    while left > 1:
        left = (left + 1) // 2
        value = (value >> (256 * left)) ^ (value & ((1 << (256 * left)) - 1))
    return value.to_bytes(32, "big")


def root_of(hasher: Hasher, values: Sequence[bytes]) -> bytes:
    """16 bytes over all 256 bucket values."""
    return hasher(b"".join(values)).digest()[:16]


def differing(a: Sequence[bytes], b: Sequence[bytes]) -> frozenset[int]:
    """The buckets in which two copies of a scope differ."""
    return frozenset(n for n, (x, y) in enumerate(zip(a, b, strict=True)) if x != y)


def is_key(value: object) -> bool:
    """An entity key within the limits of facts."""
    if type(value) is str:
        return len(value.encode()) <= KEY_TEXT_BYTES_MAX
    return type(value) is bytes and len(value) <= KEY_BYTES_MAX


def _is_node(value: object) -> bool:
    return type(value) is str and bool(NODE_PATTERN.fullmatch(value))


def _name(etype: int, key: Key) -> bytes:
    """Entity type in 2 bytes and the key's CBOR bytes, written out: keys are short and this runs for every fact."""
    if isinstance(key, str):
        data = key.encode()
        return etype.to_bytes(2, "big") + _TEXT_HEADS[len(data)] + data
    return etype.to_bytes(2, "big") + _BYTES_HEADS[len(key)] + key


def _columns(row: object, *checks: Check) -> tuple[Any, ...]:
    return Fields({}, _CODE).columns(0, row, *checks)
