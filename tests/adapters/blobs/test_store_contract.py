"""One contract, two stores: a folder, and an S3 server that is not ours."""

from __future__ import annotations

import hashlib
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.backup.blobs import BlobCopies
from hub.web.ports import free_port
from sync.adapters.blob_store import BlobStore, s3
from sync.adapters.blob_store.folder import FolderStore
from sync.kernel.limits import BLOB_CHUNK_BYTES
from sync.kernel.outcome import Unavailable
from sync.protocol.blob import blob_id, cut

PATIENCE_S = 60.0


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


@pytest.fixture(scope="module")
def s3_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """moto's server: a process of its own, its bucket in its memory."""
    port = free_port()
    log = tmp_path_factory.mktemp("s3") / "server.log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], stdout=out, stderr=out
        )
    try:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            with socket.socket() as caller:
                if caller.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


Again = Callable[[], BlobStore]
"""The same store, opened anew: what another process would see."""


@pytest.fixture(params=["folder", "s3"])
def again(request: pytest.FixtureRequest, tmp_path: Path) -> Again:
    if request.param == "folder":
        return lambda: FolderStore(tmp_path / "blobs", sha256)
    client = client_of(request.getfixturevalue("s3_url"))
    bucket = f"blobs-{os.urandom(4).hex()}"
    client.create_bucket(Bucket=bucket)
    return lambda: s3.S3Store(client_of(request.getfixturevalue("s3_url")), bucket, sha256, prefix="site-1/")


def client_of(url: str) -> Any:
    return s3.connect(url, region="us-east-1", access_key="invented", secret_key="invented-too")


def a_blob(size: int, seed: int = 1) -> tuple[bytes, list[bytes]]:
    chunks = list(cut(random.Random(seed).randbytes(size)))
    return blob_id(map(sha256, chunks), sha256), chunks


@pytest.mark.row("I25.1")
@pytest.mark.parametrize("size", [1, BLOB_CHUNK_BYTES, BLOB_CHUNK_BYTES + 1, 3 * BLOB_CHUNK_BYTES - 5])
def test_chunks_in_any_order_and_twice_make_one_blob(again: Again, size: int) -> None:
    blob, chunks = a_blob(size)
    store = again()
    order = list(range(len(chunks))) * 2
    random.Random(size).shuffle(order)
    for n in order:
        store.put(blob, n, chunks[n])
        store = again()
    assert store.missing(blob, len(chunks)) == [] and store.size(blob) is None
    assert store.finish(blob, len(chunks)) and again().finish(blob, len(chunks))
    assert again().size(blob) == size
    assert [again().chunk(blob, n) for n in range(len(chunks))] == chunks
    assert again().chunk(blob, len(chunks)) is None
    assert list(again().finished()) == [blob]


@pytest.mark.row("I25.1")
def test_what_is_missing_is_named_and_nothing_unfinished_can_be_read(again: Again) -> None:
    blob, chunks = a_blob(3 * BLOB_CHUNK_BYTES)
    assert again().missing(blob, 3) == [0, 1, 2]
    again().put(blob, 1, chunks[1])
    assert again().missing(blob, 3) == [0, 2]
    assert not again().finish(blob, 3)
    assert again().missing(blob, 3) == [0, 2], "asking to finish too early costs nothing"
    assert again().chunk(blob, 1) is None and again().size(blob) is None and list(again().finished()) == []


@pytest.mark.row("I25.1")
def test_wrong_bytes_are_thrown_away_and_sent_again(again: Again) -> None:
    blob, chunks = a_blob(2 * BLOB_CHUNK_BYTES)
    other, _ = a_blob(2 * BLOB_CHUNK_BYTES, seed=2)
    again().put(blob, 0, chunks[0])
    again().put(blob, 1, chunks[0])
    assert not again().finish(blob, 2)
    assert again().missing(blob, 2) == [0, 1]
    for n, data in enumerate(chunks):
        again().put(blob, n, data)
    assert again().finish(blob, 2)
    again().put(blob, 0, chunks[1])
    assert again().chunk(blob, 0) == chunks[0], "a whole blob does not change"
    again().drop(other)
    again().drop(blob)
    again().drop(blob)
    assert again().size(blob) is None and again().missing(blob, 2) == [0, 1]


def test_many_blobs_are_listed_by_name(again: Again) -> None:
    made = [a_blob(10, seed) for seed in range(12)]
    store = again()
    for blob, chunks in made:
        store.put(blob, 0, chunks[0])
        assert store.finish(blob, 1)
    assert list(again().finished()) == sorted(blob for blob, _ in made)


def test_a_store_that_cannot_be_reached_is_unavailable() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        store = s3.S3Store(client_of(f"http://127.0.0.1:{nobody.getsockname()[1]}"), "blobs", sha256)
        with pytest.raises(Unavailable, match=r"blob\.store"):
            store.put(bytes(32), 0, b"x")


def test_a_folder_that_cannot_be_written_is_unavailable_and_keeps_nothing(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "blobs", sha256)
    blob, chunks = a_blob(10)
    (tmp_path / "blobs" / "parts" / blob.hex()).write_text("in the way")
    with pytest.raises(Unavailable, match=r"blob\.store"):
        store.put(blob, 0, chunks[0])
    assert store.missing(blob, 1) == [0]


def test_half_a_chunk_from_before_a_power_cut_is_no_chunk(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "blobs", sha256)
    blob, chunks = a_blob(2 * BLOB_CHUNK_BYTES)
    store.put(blob, 0, chunks[0])
    (tmp_path / "blobs" / "parts" / blob.hex() / ".1").write_bytes(chunks[1][:100])
    assert store.missing(blob, 2) == [1]


def test_copies_beside_a_backup_are_whole_or_not_there(again: Again, tmp_path: Path) -> None:
    """The hub's store is of either kind, the copy lies in a folder."""
    copies = BlobCopies(again(), FolderStore(tmp_path / "place", sha256))
    sealed = random.Random(21).randbytes(BLOB_CHUNK_BYTES + 3)
    parts = list(cut(sealed))
    blob, absent = blob_id(map(sha256, parts), sha256), bytes(32)
    for n, data in enumerate(parts):
        copies.here.put(blob, n, data)
    rows = [(blob, len(sealed)), (absent, 10)]
    assert copies.keep(rows) == [], "unfinished is not there"
    assert copies.here.finish(blob, 2)
    assert copies.keep(rows) == [blob] == copies.keep(rows)
    copies.here.drop(blob)
    assert copies.keep(rows) == [blob], "the copy is what counts"
    assert copies.bring_back(rows) == [absent]
    assert copies.here.size(blob) == len(sealed)
    away = BlobCopies(again(), None)
    assert away.keep(rows) == [blob] and away.bring_back(rows) == [absent], "a store that is away already is believed"
