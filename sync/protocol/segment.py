"""A signed run of one feed's entries, made once and shared by every subscriber.

Body: an array of the label and then the entries. Not sealed over TLS.
Source: protocol way/1, section 6.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cbor2

from sync.kernel.ids import FEED_LANE, check_label
from sync.kernel.limits import SEGMENT_BYTES, SEGMENT_ENTRIES
from sync.kernel.outcome import PeerFault
from sync.kernel.suite import Hasher, Suite
from sync.protocol import feed, long_header
from sync.protocol.long_header import SEGMENT, Header


@dataclass(frozen=True, slots=True)
class Segment:
    """Entries `first` to `last` of a scope in a hub epoch, verified from `prev_e` to `head_e`."""

    label: str
    epoch: int
    first: int
    prev_e: bytes
    head_e: bytes
    entries: list[bytes]

    @property
    def last(self) -> int:
        return self.first + len(self.entries) - 1


def segment_name(label: str, epoch: int, first: int, last: int) -> str:
    """`{label}/{epoch}/{first}-{last}`."""
    return f"{label}/{epoch}/{first}-{last}"


def is_segment(raw: bytes) -> bool:
    """Whether a message claims to be a segment; nothing is checked yet."""
    return raw[:4] == long_header.MAGIC and raw[6:7] == bytes((SEGMENT,))


def make_segment(
    *,
    hub: str,
    label: str,
    epoch: int,
    first: int,
    prev_e: bytes,
    entries: Sequence[bytes],
    signing_key: bytes,
    key_id: bytes | None = None,
    head_e: bytes | None = None,
    seal_to: bytes | None = None,
    suite: Suite,
) -> bytes:
    """The segment that begins at sseq `first`. `head_e`: e of the last entry when the feed has it."""
    assert 1 <= len(entries) <= SEGMENT_ENTRIES
    plain = cbor2.dumps([label, *entries])
    assert len(plain) <= SEGMENT_BYTES
    if head_e is None:
        head_e = _chain(suite.hasher, label, first, prev_e, entries)
    return long_header.wrap(
        plain,
        suite=suite,
        type=SEGMENT,
        node=hub,
        incarnation=epoch,
        lane=FEED_LANE,
        first=first,
        count=len(entries),
        prev=prev_e,
        head=head_e,
        signing_key=signing_key,
        key_id=key_id,
        seal_to=seal_to,
        backlog=False,
    )


def parse_segment_header(raw: bytes) -> Header:
    """Who signed with which key; nothing is hashed or expanded. Raises PeerFault `batch.*`."""
    header = long_header.parse(raw, SEGMENT)
    if header.count > SEGMENT_ENTRIES or header.expanded_bytes > SEGMENT_BYTES:
        raise PeerFault("batch.too-big")
    return header


def open_segment(raw: bytes, public_key: bytes, *, open_key: bytes | None = None, suite: Suite) -> Segment:
    """A segment by the hub's key. Raises PeerFault `batch.*`, `segment.body`, `segment.chain` or `label`.

    Whether it continues the reader's own feed is the reader's to see: compare `prev_e` at the own position.
    """
    header = parse_segment_header(raw)
    plain = long_header.unwrap(raw, header, public_key=public_key, open_key=open_key, suite=suite)
    rows = _rows(plain, header)
    if cbor2.dumps(rows) != plain:
        raise PeerFault("segment.body")
    label, entries = check_label(rows[0]), rows[1:]
    if _chain(suite.hasher, label, header.first, header.prev, entries) != header.head:
        raise PeerFault("segment.chain")
    return Segment(label, header.incarnation, header.first, header.prev, header.head, entries)


def snapshot_entries(raw: bytes, label: str) -> list[bytes]:
    """The entries of a snapshot's segment, of which the caller has compared the whole bytes with the signed manifest.

    That comparison vouches for every byte, so signature and chain are not looked at again. Raises PeerFault.
    """
    header = parse_segment_header(raw)
    rows = _rows(long_header.plain_of(raw, header), header)
    if rows[0] != label:
        raise PeerFault("segment.place")
    return rows[1:]


def _rows(plain: bytes, header: Header) -> list[Any]:
    try:
        rows = cbor2.loads(plain, max_depth=1, allow_indefinite=False)
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, MemoryError):
        raise PeerFault("segment.body") from None
    if type(rows) is not list or len(rows) != header.count + 1:
        raise PeerFault("segment.body")
    entries = rows[1:]
    if set(map(type, entries)) != {bytes} or max(map(len, entries)) > feed.ENTRY_BYTES_MAX:
        raise PeerFault("segment.body")
    return rows


def _chain(hasher: Hasher, label: str, first: int, e: bytes, entries: Sequence[bytes]) -> bytes:
    for sseq, entry in enumerate(entries, first):
        e = feed.next_e(hasher, label, sseq, e, entry)
    return e
