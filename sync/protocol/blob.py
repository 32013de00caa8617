"""Sealed bytes on their way to the hub, in chunks that can stop and go on anywhere: names, bitmaps, states.

A blob is named by what is in it: blob id = H(H(chunk 1) followed by H(chunk 2) and so on). Every chunk has 1 MiB but
the last. Only the hub's signature frees the local bytes. Source: protocol way/1, sections 7.2 and 9.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from sync.kernel.limits import BLOB_BYTES_MAX, BLOB_CHUNK_BYTES
from sync.kernel.outcome import PeerFault
from sync.protocol.states import Table

ID_BYTES = 32

SEALED, ASKING, SENDING, FINISHING = "sealed here", "asking", "sending", "finishing"
AWAITING, HELD, ONLY_THERE = "awaiting ack", "held there", "only there"
BLOB_STATES = (SEALED, ASKING, SENDING, FINISHING, AWAITING, HELD, ONLY_THERE)

TURN, BITMAP, COMPLETE, NONE_MISSING = "turn comes", "bitmap", "complete", "none missing"
CHUNK_TAKEN, ID_WRONG, TAKEN, SIGNED = "chunk ok", "id wrong", "accepted", "blobs held"
LINK_LOST, MAY_GO, EPOCH_RISES = "link lost", "may be pruned", "epoch rises"
LOST_THERE = "the hub has it no more"
BLOB_INPUTS = (
    TURN, BITMAP, COMPLETE, NONE_MISSING, CHUNK_TAKEN, ID_WRONG, TAKEN, SIGNED, LINK_LOST, MAY_GO, EPOCH_RISES,
    LOST_THERE,
)  # fmt: skip

TRANSFER: Table = {
    (SEALED, TURN): ASKING,
    (ASKING, BITMAP): SENDING,
    (ASKING, COMPLETE): FINISHING,
    (ASKING, LINK_LOST): SEALED,
    (SENDING, CHUNK_TAKEN): SENDING,
    (SENDING, NONE_MISSING): FINISHING,
    (SENDING, LINK_LOST): SEALED,
    (FINISHING, ID_WRONG): SEALED,
    (FINISHING, TAKEN): AWAITING,
    (FINISHING, LINK_LOST): SEALED,
    (AWAITING, SIGNED): HELD,
    (AWAITING, EPOCH_RISES): SEALED,
    (HELD, MAY_GO): ONLY_THERE,
    (HELD, EPOCH_RISES): SEALED,
    (HELD, LOST_THERE): SEALED,
}
"""A signature may overtake the answer that carried it: `finishing` takes the answer first, then the signature."""


def chunks_of(size_bytes: int) -> int:
    """How many chunks a blob of so many sealed bytes has. Raises PeerFault `blob.size` for none and for too many."""
    if not 0 < size_bytes <= BLOB_BYTES_MAX:
        raise PeerFault("blob.size")
    return -(-size_bytes // BLOB_CHUNK_BYTES)


def chunk_bytes(size_bytes: int, n: int) -> int:
    """The size of chunk `n` (from 0). Raises PeerFault `blob.chunk` when there is no such chunk."""
    if not 0 <= n < chunks_of(size_bytes):
        raise PeerFault("blob.chunk")
    return min(BLOB_CHUNK_BYTES, size_bytes - n * BLOB_CHUNK_BYTES)


def cut(sealed: bytes) -> Iterator[bytes]:
    """A blob's chunks in order."""
    for n in range(chunks_of(len(sealed))):
        yield sealed[n * BLOB_CHUNK_BYTES : (n + 1) * BLOB_CHUNK_BYTES]


def blob_id(digests: Iterable[bytes], hash32: Callable[[bytes], bytes]) -> bytes:
    """The name of what these chunk digests, in order, belong to. 32 bytes."""
    return hash32(b"".join(digests))


def bitmap(missing: Iterable[int], chunks: int) -> bytes:
    """One bit a chunk, 1 = missing; chunk 0 is the highest bit of the first byte. Spare bits are 0."""
    bits = bytearray(-(-chunks // 8))
    for n in missing:
        bits[n // 8] |= 0x80 >> n % 8
    return bytes(bits)


def missing_in(bits: bytes, chunks: int) -> Sequence[int]:
    """The numbers that a bitmap names, ascending. Raises PeerFault `blob.bitmap` when it does not fit `chunks`."""
    if len(bits) != -(-chunks // 8) or (chunks % 8 and bits[-1] & (0xFF >> chunks % 8)):
        raise PeerFault("blob.bitmap")
    return [n for n in range(chunks) if bits[n // 8] & (0x80 >> n % 8)]
