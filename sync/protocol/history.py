"""A node's own facts, given back by the hub to a disk that lost them: pages of items and of what its own key signed.

Nobody else vouches for them: each run of facts ends at a header that the node itself signed when it sent them, and
the chain leads from what it still holds to that header's head.
Source: protocol way/1, section 4.8; the form of a page is this module's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sync.kernel import canonical
from sync.kernel.chain import Chain
from sync.kernel.ids import StreamId
from sync.kernel.limits import BATCH_EXPANDED_BYTES_MAX, FACT_BYTES_MAX
from sync.kernel.outcome import PeerFault
from sync.kernel.suite import Suite
from sync.protocol.batch import Item, Withheld, digest_of
from sync.protocol.fields import COUNT, Fields, H, raw
from sync.protocol.long_header import FACTS, PROOF_BYTES, parse, proves

PAGE_BYTES = 1024 * 1024
"""Of items; a page holds at least one. Our own choice: as much as the largest batch as sent."""
PAGE_BYTES_MAX = BATCH_EXPANDED_BYTES_MAX

_CODE = "history.body"


@dataclass(frozen=True, slots=True)
class Page:
    """Items of one stream from seq `first` on. `proofs`: (last seq of a run that ends in this page, its 224 bytes)."""

    first: int
    items: tuple[Item, ...]
    proofs: tuple[tuple[int, bytes], ...]

    def pack(self) -> bytes:
        """The bytes of an answer."""
        items = [[item.digest] if isinstance(item, Withheld) else item for item in self.items]
        return canonical.encode({1: self.first, 2: items, 3: [list(proof) for proof in self.proofs]})

    @classmethod
    def read(cls, data: bytes) -> Page:
        """Raises PeerFault `history.body` or `cbor.*`."""
        fields = Fields(canonical.decode(data, max_bytes=PAGE_BYTES_MAX), _CODE)
        items = tuple(_item(value) for value in fields.list(2, PAGE_BYTES))
        if not items:
            raise PeerFault(_CODE)
        proofs = tuple((last, proof) for last, proof in fields.rows(3, COUNT, raw(PROOF_BYTES), most=PAGE_BYTES))
        return cls(fields.one(1, COUNT), items, proofs)


def proven(
    page: Page, stream: StreamId, prev: bytes, own: Mapping[bytes, bytes], suite: Suite
) -> tuple[list[bytes], int]:
    """(chain hash of each item, how many of them this node's own signature covers). `prev`: h before the page.

    `own`: the node's public signing keys by their id, old ones too.

    Raises PeerFault `history.chain` or `history.signature`: then nothing of the page may be used.
    """
    digests = [digest_of(suite.hasher, item) for item in page.items]
    hashes = Chain(suite.hasher, *stream).extend(page.first, prev, digests)
    covered = 0
    for last, proof in page.proofs:
        at = last - page.first
        header = parse(proof, FACTS, with_body=False)
        if not 0 <= at < len(hashes) or header.stream != stream or header.last != last or header.head != hashes[at]:
            raise PeerFault("history.chain")
        if header.suite != suite.number or not proves(proof, own.get(header.key_id, b""), suite):
            raise PeerFault("history.signature")
        covered = max(covered, at + 1)
    return hashes, covered


def _item(value: object) -> Item:
    if type(value) is bytes and len(value) <= FACT_BYTES_MAX:
        return value
    if type(value) is list and len(value) == 1 and H(value[0]):
        return Withheld(value[0])
    raise PeerFault(_CODE)
