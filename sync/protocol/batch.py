"""A run of one stream's facts, signed: the only way facts go up.

Batches may be cut again at any time, at other borders and signed with a newer key: only facts and their chain are
fixed. Source: protocol way/1, sections 4.1 and 4.4 (checks 1, 2 and 4-9; 3 needs the receiver's list of nodes, 10 its
stream rows, 11 looks at each fact alone).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cbor2

from sync.kernel.chain import Chain
from sync.kernel.limits import BATCH_EXPANDED_BYTES_MAX, BATCH_FACTS_MAX, FACT_BYTES_MAX
from sync.kernel.outcome import PeerFault
from sync.kernel.suite import Hasher, Suite
from sync.protocol import long_header
from sync.protocol.long_header import FACTS, Header

__all__ = ["Header", "Item", "OpenedBatch", "Withheld", "is_batch", "make_batch", "open_batch", "parse_header"]


@dataclass(frozen=True, slots=True)
class Withheld:
    """A fact whose bytes stay with its writer: the chain holds through its digest, its seq counts as received."""

    digest: bytes


Item = bytes | Withheld


@dataclass(frozen=True, slots=True)
class OpenedBatch:
    """A batch whose bytes are all good. `digests[i]` and `hashes[i]` (chain) belong to `items[i]`, seq first + i."""

    header: Header
    items: list[Item]
    digests: list[bytes]
    hashes: list[bytes]


def is_batch(raw: bytes) -> bool:
    """Whether a message claims to be a batch of facts; nothing is checked yet."""
    return raw[:4] == long_header.MAGIC and raw[6:7] == bytes((FACTS,))


def make_batch(
    *,
    node: str,
    incarnation: int,
    lane: int,
    first: int,
    prev_hash: bytes,
    items: Sequence[Item],
    signing_key: bytes,
    key_id: bytes | None = None,
    hub_seal_key: bytes | None,
    head_hash: bytes | None = None,
    backlog: bool = False,
    suite: Suite,
) -> bytes:
    """The message for `items`, seq `first` and on. `hub_seal_key` None leaves the body readable (tests, golden bytes).

    `head_hash`: h of the last item when the caller's log has it; otherwise it is computed.
    """
    assert 1 <= len(items) <= BATCH_FACTS_MAX
    plain = cbor2.dumps([item if isinstance(item, bytes) else [item.digest] for item in items])
    assert len(plain) <= BATCH_EXPANDED_BYTES_MAX
    if head_hash is None:
        digests = [digest_of(suite.hasher, item) for item in items]
        head_hash = Chain(suite.hasher, node, incarnation, lane).extend(first, prev_hash, digests)[-1]
    return long_header.wrap(
        plain,
        suite=suite,
        type=FACTS,
        node=node,
        incarnation=incarnation,
        lane=lane,
        first=first,
        count=len(items),
        prev=prev_hash,
        head=head_hash,
        signing_key=signing_key,
        key_id=key_id,
        seal_to=hub_seal_key,
        backlog=backlog,
    )


def digest_of(hasher: Hasher, item: Item) -> bytes:
    """d of a fact, there or withheld."""
    return hasher(item).digest() if isinstance(item, bytes) else item.digest


def parse_header(raw: bytes) -> Header:
    """Checks 1 and 2; nothing is hashed, opened or expanded. Raises PeerFault `batch.*`."""
    return long_header.parse(raw, FACTS)


def open_batch(raw: bytes, header: Header, *, public_key: bytes, open_key: bytes | None, suite: Suite) -> OpenedBatch:
    """The suite, then checks 4-9, in this order: body hash, signature, seal, size, outer array, chain.

    `public_key` is the one that `header.key_id` names among the keys of `header.node` (check 3). `open_key` is the
    hub's sealing key. `suite` is the site's. Raises PeerFault `batch.*`.
    """
    plain = long_header.unwrap(raw, header, public_key=public_key, open_key=open_key, suite=suite)
    items, digests = _items(plain, header.count, suite.hasher)
    hashes = Chain(suite.hasher, *header.stream).extend(header.first, header.prev, digests)
    if hashes[-1] != header.head:
        raise PeerFault("batch.chain")
    return OpenedBatch(header, items, digests, hashes)


def _items(plain: bytes, count: int, hasher: Hasher) -> tuple[list[Item], list[bytes]]:
    """Check 8. Encoding again is the whole strictness: an array of byte strings has one encoding."""
    try:
        rows = cbor2.loads(plain, max_depth=2, allow_indefinite=False)
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, MemoryError, RecursionError):
        raise PeerFault("batch.body") from None
    if type(rows) is not list or len(rows) != count:
        raise PeerFault("batch.body")
    items: list[Item] = []
    digests = []
    for row in rows:
        if type(row) is bytes:
            if len(row) > FACT_BYTES_MAX:
                raise PeerFault("batch.too-big")
            items.append(row)
            digests.append(hasher(row).digest())
        elif type(row) is list and len(row) == 1 and type(row[0]) is bytes and len(row[0]) == 32:
            items.append(Withheld(row[0]))
            digests.append(row[0])
        else:
            raise PeerFault("batch.body")
    if cbor2.dumps(rows) != plain:
        raise PeerFault("batch.body")
    return items, digests
