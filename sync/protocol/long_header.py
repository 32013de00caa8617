"""The signed envelope of facts and segments: 160 bytes of header, a signature, a body.

The body is made in this order: CBOR, zstd (only if smaller), seal, hash, sign; and read in the other. Header and
signature alone prove the chain, so a stored 224 bytes are all that a verifier needs.
Source: protocol way/1, sections 4.1, 4.3 and 4.4 (checks 1, 2 and 4-7).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import zstandard

from sync.kernel.ids import FEED_LANE, LANES, StreamId, pad_node, unpad_node
from sync.kernel.limits import (
    BATCH_EXPANDED_BYTES_MAX,
    BATCH_FACTS_MAX,
    BATCH_SENT_BYTES_MAX,
    INT_MAX,
    ZSTD_WINDOW_BYTES_MAX,
)
from sync.kernel.outcome import PeerFault
from sync.kernel.suite import NUMBERS, SEAL_OVERHEAD_BYTES, Suite

MAGIC = b"WAYB"
VERSION = 1
FACTS, SEGMENT = 1, 2
ZSTD, SEALED, BACKLOG = 1, 2, 4
HEADER_BYTES = 160
PROOF_BYTES = 224
"""Header and signature."""
FLAGS_AT, LANE_AT, COUNT_AT = 7, 32, 44
"""Where a header says these, for those who sort messages before anything is checked."""
PLACE = slice(4, 112)
"""All of a header that cutting the same facts again does not change."""

_LAYOUT = struct.Struct(">4s4B16sQB3sQI32s32s32s8sII")
_NAMES = {FACTS: b"facts", SEGMENT: b"segment"}
_SEAL_INFO = b"way/1 seal\0"
_SEAL_INFO_HEADER_BYTES = 112
_ZSTD_MAGIC = bytes.fromhex("28b52ffd")  # Source: RFC 8878, section 3.1.1; a skippable frame begins otherwise
_ZSTD_SIZE_UNKNOWN = 2**64 - 1
_ZSTD_FROM_BYTES = 256  # below it a frame saves nothing that its set-up is worth
assert _LAYOUT.size == HEADER_BYTES


@dataclass(frozen=True, slots=True)
class Header:
    """A long header in words. `node` signed it; of a segment `incarnation` is the hub epoch and `lane` 255.

    `prev` and `head` are the chain hashes before the first item and of the last one.
    """

    suite: int
    type: int
    flags: int
    node: str
    incarnation: int
    lane: int
    first: int
    count: int
    prev: bytes
    head: bytes
    body_hash: bytes
    key_id: bytes
    sent_bytes: int
    expanded_bytes: int

    @property
    def last(self) -> int:
        return self.first + self.count - 1

    @property
    def stream(self) -> StreamId:
        return StreamId(self.node, self.incarnation, self.lane)

    @property
    def sealed(self) -> bool:
        return bool(self.flags & SEALED)


def count_in(raw: bytes) -> int:
    """How many items a message says it has that nobody has checked yet; it is at least a header long."""
    return int.from_bytes(raw[COUNT_AT : COUNT_AT + 4], "big")


def parse(raw: bytes, type_wanted: int, *, with_body: bool = True) -> Header:
    """Checks 1 and 2: lengths, caps and every byte that has one meaning. Raises PeerFault `batch.*`.

    Not `with_body`: only header and signature were kept.
    """
    if len(raw) < PROOF_BYTES:
        raise PeerFault("batch.length")
    (magic, ver, suite, kind, flags, node, incarnation, lane, zero, first, count, prev, head, body_hash, key_id, sent,
     expanded) = _LAYOUT.unpack_from(raw)  # fmt: skip
    if magic != MAGIC:
        raise PeerFault("batch.magic")
    if sent > BATCH_SENT_BYTES_MAX or expanded > BATCH_EXPANDED_BYTES_MAX:
        raise PeerFault("batch.too-big")
    if len(raw) != PROOF_BYTES + sent * with_body:
        raise PeerFault("batch.length")
    if ver != VERSION:
        raise PeerFault("batch.version")
    if suite not in NUMBERS:
        raise PeerFault("batch.suite")
    if kind != type_wanted:
        raise PeerFault("batch.type")
    if flags & ~(ZSTD | SEALED | BACKLOG):
        raise PeerFault("batch.flags")
    if zero != b"\0\0\0":
        raise PeerFault("batch.zero")
    if lane not in LANES if kind == FACTS else lane != FEED_LANE:
        raise PeerFault("batch.lane")
    if not 1 <= incarnation <= INT_MAX:
        raise PeerFault("batch.incarnation")
    if not 1 <= count <= BATCH_FACTS_MAX:
        raise PeerFault("batch.count")
    if first < 1 or first + count - 1 > INT_MAX:
        raise PeerFault("batch.position")
    plain_bytes = sent - (SEAL_OVERHEAD_BYTES[suite] if flags & SEALED else 0)
    if plain_bytes < 1 or (plain_bytes >= expanded if flags & ZSTD else plain_bytes != expanded):
        raise PeerFault("batch.length")
    try:
        name = unpad_node(node)
    except PeerFault:
        raise PeerFault("batch.node") from None
    return Header(
        suite, kind, flags, name, incarnation, lane, first, count, prev, head, body_hash, key_id, sent, expanded
    )


def wrap(
    plain: bytes,
    *,
    suite: Suite,
    type: int,
    node: str,
    incarnation: int,
    lane: int,
    first: int,
    count: int,
    prev: bytes,
    head: bytes,
    signing_key: bytes,
    key_id: bytes | None,
    seal_to: bytes | None,
    backlog: bool,
) -> bytes:
    """A whole message around an expanded body. `seal_to` None leaves the body readable."""
    body, flags = plain, BACKLOG if backlog else 0
    if len(plain) >= _ZSTD_FROM_BYTES:
        squeezed = zstandard.ZstdCompressor(level=3).compress(plain)
        if len(squeezed) < len(plain):
            body, flags = squeezed, flags | ZSTD
    if seal_to is not None:
        flags |= SEALED

    def header(body_hash: bytes, id: bytes, sent: int) -> bytes:
        return _LAYOUT.pack(MAGIC, VERSION, suite.number, type, flags, pad_node(node), incarnation, lane, b"\0\0\0",
                            first, count, prev, head, body_hash, id, sent, len(plain))  # fmt: skip

    if seal_to is not None:
        info = _SEAL_INFO + header(bytes(32), bytes(8), 0)[:_SEAL_INFO_HEADER_BYTES]
        body = suite.seal(seal_to, info, body)
    if key_id is None:
        key_id = suite.key_id(suite.signing_public(signing_key))
    signed = header(suite.hash(body), key_id, len(body))
    return signed + suite.sign(signing_key, _said(type, signed)) + body


def proves(proof: bytes, public_key: bytes, suite: Suite) -> bool:
    """Whether stored header and signature (224 bytes) belong together: all that is left of a batch vouches for it."""
    header, signature = proof[:HEADER_BYTES], proof[HEADER_BYTES:PROOF_BYTES]
    return header[6] in _NAMES and suite.verify(public_key, _said(header[6], header), signature)


def unwrap(raw: bytes, header: Header, *, public_key: bytes, open_key: bytes | None, suite: Suite) -> bytes:
    """The expanded body, after checks 4-7 in their order. A message of another suite is refused before any of them.

    Raises PeerFault `batch.*`.
    """
    if header.suite != suite.number:
        raise PeerFault("batch.suite")
    body = raw[PROOF_BYTES:]
    if suite.hash(body) != header.body_hash:
        raise PeerFault("batch.body-hash")
    if not proves(raw, public_key, suite):
        raise PeerFault("batch.signature")
    if header.flags & SEALED:
        if open_key is None:
            raise PeerFault("batch.seal")
        try:
            body = suite.open(open_key, _SEAL_INFO + raw[:_SEAL_INFO_HEADER_BYTES], body)
        except PeerFault:
            raise PeerFault("batch.seal") from None
    if header.flags & ZSTD:
        body = _expand(body, header.expanded_bytes)
    return body


def plain_of(raw: bytes, header: Header) -> bytes:
    """The expanded body of what is not sealed, unverified: for bytes that something else vouches for."""
    if header.sealed:
        raise PeerFault("batch.seal")
    body = raw[PROOF_BYTES:]
    return _expand(body, header.expanded_bytes) if header.flags & ZSTD else body


def _said(type: int, header: bytes) -> bytes:
    return b"way/1 " + _NAMES[type] + b"\0" + header


def _expand(body: bytes, size: int) -> bytes:
    """Exactly `size` bytes out of one zstd frame, or PeerFault; never more memory than `size` and the window cap."""
    try:
        frame = zstandard.get_frame_parameters(body)
        honest = frame.content_size in (size, _ZSTD_SIZE_UNKNOWN) and body[:4] == _ZSTD_MAGIC
        if not honest or frame.dict_id or frame.window_size > ZSTD_WINDOW_BYTES_MAX:
            raise PeerFault("batch.expand")
        opener = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES_MAX)
        plain = opener.decompress(body, max_output_size=size, allow_extra_data=False)
    except zstandard.ZstdError:
        raise PeerFault("batch.expand") from None
    if len(plain) != size:
        raise PeerFault("batch.expand")
    return plain
