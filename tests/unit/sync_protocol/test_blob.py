from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.kernel.limits import BLOB_BYTES_MAX, BLOB_CHUNK_BYTES
from sync.kernel.outcome import PeerFault
from sync.protocol import blob


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


@given(st.integers(1, 70), st.data())
def test_a_bitmap_says_what_is_missing_and_nothing_else(chunks: int, data: st.DataObject) -> None:
    missing = data.draw(st.sets(st.integers(0, chunks - 1)))
    bits = blob.bitmap(missing, chunks)
    assert len(bits) == (chunks + 7) // 8
    assert list(blob.missing_in(bits, chunks)) == sorted(missing)


@pytest.mark.parametrize(("bits", "chunks"), [(b"", 1), (b"\x01", 7), (b"\x80\x00", 8), (b"\x00", 9)])
def test_a_bitmap_that_does_not_fit_is_refused(bits: bytes, chunks: int) -> None:
    with pytest.raises(PeerFault, match=r"blob\.bitmap"):
        blob.missing_in(bits, chunks)


@pytest.mark.parametrize("size", [0, -1, BLOB_BYTES_MAX + 1])
def test_a_size_that_no_blob_has_is_refused(size: int) -> None:
    with pytest.raises(PeerFault, match=r"blob\.size"):
        blob.chunks_of(size)


def test_every_chunk_but_the_last_is_full() -> None:
    size = 2 * BLOB_CHUNK_BYTES + 7
    assert [blob.chunk_bytes(size, n) for n in range(3)] == [BLOB_CHUNK_BYTES, BLOB_CHUNK_BYTES, 7]
    assert [len(part) for part in blob.cut(bytes(size))] == [BLOB_CHUNK_BYTES, BLOB_CHUNK_BYTES, 7]
    with pytest.raises(PeerFault, match=r"blob\.chunk"):
        blob.chunk_bytes(size, 3)


def test_the_name_is_the_hash_of_the_chunks_hashes() -> None:
    parts = [b"a" * 3, b"b"]
    assert blob.blob_id(map(sha256, parts), sha256).hex() == (
        hashlib.sha256(hashlib.sha256(b"aaa").digest() + hashlib.sha256(b"b").digest()).hexdigest()
    )


def test_the_table_is_the_one_of_the_protocol() -> None:
    assert {state for state, _ in blob.TRANSFER} | set(blob.TRANSFER.values()) == set(blob.BLOB_STATES)
    assert {said for _, said in blob.TRANSFER} == set(blob.BLOB_INPUTS)
    for state in (blob.ASKING, blob.SENDING, blob.FINISHING):
        assert blob.TRANSFER[state, blob.LINK_LOST] == blob.SEALED
    for state in (blob.AWAITING, blob.HELD):
        assert blob.TRANSFER[state, blob.EPOCH_RISES] == blob.SEALED, "a restored hub is asked again for all kept"
    freed = [state for (state, _), after in blob.TRANSFER.items() if after == blob.HELD]
    assert freed == [blob.AWAITING], "only a signature frees the local bytes"
