"""Hashes that tie facts together: a stream's chain, an entity's set digests, the one order of an entity's facts.

Source: protocol way/1, section 2 (chain, tag), 3.2 (order key), 3.3 (D and X); widths from the page's head. The hash is
the suite's, which a site keeps.
"""

from __future__ import annotations

from collections.abc import Iterable

from sync.kernel.fact import Annotation
from sync.kernel.ids import FactId, pad_node
from sync.kernel.suite import Hasher

H0 = bytes(32)
"""The hash before the first fact of a stream and before the first entry of a feed."""

SetDigest = bytes
"""16 bytes; the digest of the empty set is 16 zero bytes."""

EMPTY_SET: SetDigest = bytes(16)

ORDER_KEY_BYTES = 49


class Chain:
    """The links of one stream: what each of them begins with, and the hash, bound once."""

    __slots__ = ("_hasher", "_prefix")

    def __init__(self, hasher: Hasher, node: str, incarnation: int, lane: int) -> None:
        self._hasher = hasher
        self._prefix = b"way/1 fact\0" + pad_node(node) + incarnation.to_bytes(8, "big") + bytes((lane,))

    def digest(self, fact_bytes: bytes) -> bytes:
        """d, through which a fact enters its chain: a body can be dropped by law and the chain still verifies."""
        return self._hasher(fact_bytes).digest()

    def link(self, seq: int, prev: bytes, d: bytes) -> bytes:
        """h of `seq` from h of `seq` - 1 and the fact's digest."""
        return self._hasher(self._prefix + seq.to_bytes(8, "big") + prev + d).digest()

    def extend(self, first: int, prev: bytes, digests: Iterable[bytes]) -> list[bytes]:
        """h of `first` and of each fact after it."""
        hasher, prefix = self._hasher, self._prefix
        hashes = []
        for seq, d in enumerate(digests, first):
            prev = hasher(prefix + seq.to_bytes(8, "big") + prev + d).digest()
            hashes.append(prev)
        return hashes


def tag(hasher: Hasher, fact_id: FactId, d: bytes) -> SetDigest:
    """The fact as a member of its entity's set: 16 bytes of its place and digest."""
    place = (
        pad_node(fact_id.node)
        + fact_id.incarnation.to_bytes(8, "big")
        + bytes((fact_id.lane,))
        + fact_id.seq.to_bytes(8, "big")
    )
    return hasher(place + d).digest()[:16]


def annotated_tag(hasher: Hasher, tag: SetDigest, annotation: Annotation) -> SetDigest:
    """The fact and what the hub said about it, as a member of X. Pending facts (`rev` None) have none."""
    assert annotation.rev is not None
    widths = ((annotation.order, 8), (annotation.rev, 4), (annotation.line, 2), (annotation.seen, 4))
    return hasher(tag + b"".join(number.to_bytes(width, "big") for number, width in widths)).digest()[:16]


def xor(a: bytes, b: bytes) -> bytes:
    """Add a member to a set digest, or take it out again. Both 16 bytes."""
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).to_bytes(len(a), "big")


def order_key(annotation: Annotation, fact_id: FactId, hlc: int) -> bytes:
    """49 bytes that sort an entity's facts, the same on every holder: order, node, hlc, incarnation, lane, seq.

    Longer than (hlc, node, seq): a node has three lanes and many incarnations, and clamped facts share an order stamp.
    """
    return (
        annotation.order.to_bytes(8, "big")
        + pad_node(fact_id.node)
        + hlc.to_bytes(8, "big")
        + fact_id.incarnation.to_bytes(8, "big")
        + bytes((fact_id.lane,))
        + fact_id.seq.to_bytes(8, "big")
    )
