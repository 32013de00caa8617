"""The 2-D codes of a receipt: the batch on paper, for the day the hand-held is lost.

Each code stands alone: it says which of how many it is, whose round on which ward, and its own records with the
identity of each scan; it is signed, so paper that somebody made up is not a batch. Codes are read in any order, by gun
or from a picture; one that is torn costs its own records only.

    text      = "WAY1:" base45( payload signature )          at most 900 characters
    payload   = 1  k  n  node  incarnation(8)  lane(1)  round  ward  courier  key-id(8)  count  at0  1*entry
    entry     = seq after the one before  ·  ms after the one before (signed)  ·  stay key
    signature = 64 bytes over "way/1 receipt" 0 payload

58 mm paper holds 938 characters a code (QR version 17 at level L: 85 modules of 0.5 mm and the quiet zone; Source:
ISO/IEC 18004:2015, table 7); 900 leaves room. A record of 8 digits takes about 10 bytes, so a code holds some 45. Round
is written without its node where that is the node of the scans.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Final, NamedTuple

from sync.domain.tracking import base45
from sync.domain.tracking.codes import RECEIPT_MARK
from sync.domain.tracking.facts import gathering_key, user_id, ward_code
from sync.domain.tracking.packing import Reader, put_key, put_number, put_signed, put_text
from sync.kernel.ids import LANES, NODE_PATTERN, FactId
from sync.kernel.limits import INT_MAX
from sync.kernel.outcome import PeerFault, Refused
from sync.merge.shape import INSTANT_MS_MAX

TEXT_CHARS_MAX: Final = 900
VERSION: Final = 1
SIGNATURE_BYTES: Final = 64
_PAYLOAD_BYTES_MAX: Final = (TEXT_CHARS_MAX - len(RECEIPT_MARK)) // 3 * 2 - SIGNATURE_BYTES
_COUNTING_BYTES: Final = 6
"""k, n and count: two bytes each are enough for 16,383 of them."""
_CONTEXT: Final = b"way/1 receipt\0"

Sign = Callable[[bytes], bytes]
Check = Callable[[bytes, bytes, bytes], bool]
"""(public key, message, signature) -> genuine; the suite's `verify`."""


class ReceiptScan(NamedTuple):
    """One record of the round: the scan's identity, the stay, and when the courier says it was."""

    fact: FactId
    stay_key: str
    at_ms: int


class RoundHead(NamedTuple):
    """Whose batch it is."""

    round: str
    ward: str
    courier: str


class Entry(NamedTuple):
    """One record of a code."""

    seq: int
    stay_key: str
    at_ms: int


class ReceiptPart(NamedTuple):
    """What one code says. Nothing of it is to be believed before `verify`."""

    k: int
    n: int
    node: str
    incarnation: int
    lane: int
    round: str
    ward: str
    courier: str
    key_id: bytes
    entries: tuple[Entry, ...]
    payload: bytes
    signature: bytes

    def fact_of(self, entry: Entry) -> FactId:
        """The identity of the scan."""
        return FactId(self.node, self.incarnation, self.lane, entry.seq)


def encode(head: RoundHead, scans: Iterable[ReceiptScan], *, key_id: bytes, sign: Sign) -> list[str]:
    """The texts of the codes, none for no scans. `key_id` 8 bytes of whoever signs. Same input, same payloads."""
    bodies = [
        (start, chunk)
        for start, entries in _streams(head, scans, key_id)
        for chunk in _chunks(entries, _PAYLOAD_BYTES_MAX - len(start) - _COUNTING_BYTES - 7)
    ]
    texts = []
    for k, (start, chunk) in enumerate(bodies, 1):
        payload = bytes([VERSION]) + put_number(k) + put_number(len(bodies)) + start + _entries(chunk)
        texts.append(RECEIPT_MARK + base45.encode(payload + sign(_CONTEXT + payload)))
    assert all(len(text) <= TEXT_CHARS_MAX for text in texts)
    return texts


def _streams(head: RoundHead, scans: Iterable[ReceiptScan], key_id: bytes) -> Iterable[tuple[bytes, list[ReceiptScan]]]:
    """A round goes on over restarts: one run of codes for each stream it was written in."""
    assert len(key_id) == 8
    for stream, run in groupby(sorted(set(scans)), key=lambda scan: scan.fact.stream):
        gathering = head.round.removeprefix(stream.node) if head.round.startswith(stream.node + ".") else head.round
        start = put_text(stream.node) + stream.incarnation.to_bytes(8, "big") + bytes([stream.lane])
        start += put_text(gathering) + put_text(head.ward) + put_text(head.courier) + key_id
        yield start, list(run)


def _chunks(entries: list[ReceiptScan], room: int) -> Iterable[list[ReceiptScan]]:
    """As many entries as fit; the first one's seq and time may take nine bytes more than the others'."""
    assert room > 64
    chunk: list[ReceiptScan] = []
    used = 18
    for scan in entries:
        before = chunk[-1] if chunk else scan
        size = len(_entry(before, scan))
        if chunk and used + size > room:
            yield chunk
            chunk, used = [], 18
            size = len(_entry(scan, scan))
        chunk.append(scan)
        used += size
    if chunk:
        yield chunk


def _entry(before: ReceiptScan, scan: ReceiptScan) -> bytes:
    step = put_number(scan.fact.seq - before.fact.seq) + put_signed(scan.at_ms - before.at_ms)
    return step + put_key(scan.stay_key)


def _entries(chunk: list[ReceiptScan]) -> bytes:
    first = chunk[0]
    before = first._replace(fact=first.fact._replace(seq=0))
    out = [put_number(len(chunk)), put_number(first.at_ms)]
    for scan in chunk:
        out.append(_entry(before, scan))
        before = scan
    return b"".join(out)


def decode(text: str) -> ReceiptPart:
    """Read one code. Raises PeerFault `receipt.damaged` or `base45`; says nothing about who wrote it."""
    if not text.startswith(RECEIPT_MARK) or len(text) > TEXT_CHARS_MAX:
        raise PeerFault("receipt.damaged", "mark")
    data = base45.decode(text[len(RECEIPT_MARK) :])
    payload, signature = data[:-SIGNATURE_BYTES], data[-SIGNATURE_BYTES:]
    reader = Reader(payload)
    version, k, n = reader.number(), reader.number(), reader.number()
    node, incarnation, lane = reader.text(), int.from_bytes(reader.raw(8), "big"), reader.raw(1)[0]
    gathering, ward, courier = reader.text(), reader.text(), reader.text()
    key_id, count, at_ms, seq = reader.raw(8), reader.number(), reader.number(), 0
    entries = []
    while not reader.done:
        step = reader.number()
        seq, at_ms = seq + step, at_ms + reader.signed()
        entries.append(Entry(seq, reader.key(), at_ms))
        if step < 1 or seq > INT_MAX or not 0 <= at_ms <= INSTANT_MS_MAX:
            raise PeerFault("receipt.damaged", "entry")
    if gathering.startswith("."):
        gathering = node + gathering
    sound = (
        version == VERSION
        and 1 <= k <= n
        and NODE_PATTERN.fullmatch(node) is not None
        and 0 < incarnation < 2**63
        and lane in LANES
        and gathering_key(gathering)
        and ward_code(ward)
        and user_id(courier)
        and 0 < count == len(entries)
    )
    if not sound:
        raise PeerFault("receipt.damaged", "field")
    return ReceiptPart(
        k, n, node, incarnation, lane, gathering, ward, courier, key_id, tuple(entries), payload, signature
    )


def verify(part: ReceiptPart, public: bytes, check: Check) -> bool:
    """Whether the holder of the key wrote exactly this."""
    return check(public, _CONTEXT + part.payload, part.signature)


def read(text: str, public_of: Callable[[bytes], bytes | None], check: Check) -> ReceiptPart | Refused:
    """Decode and verify. Refused `receipt.damaged`, `receipt.unknown-signer`, `receipt.signature`."""
    try:
        part = decode(text)
    except PeerFault:
        return Refused("receipt.damaged")
    public = public_of(part.key_id)
    if public is None:
        return Refused("receipt.unknown-signer")
    return part if verify(part, public, check) else Refused("receipt.signature")
