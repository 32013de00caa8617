"""Sealed bytes in a backup: every blob that the hub has signed for lies in the place, whole, before the list says so.

Blobs never change and are named by what is in them, so all backups of a place share one folder, `blobs/`, and each has
a list of its own, `NAME.blobs`, under the hub's key. Where a hub keeps its blobs in an S3-compatible store they lie
away from its machine already: they are not copied, and the list names those that were found there whole.
"""

from __future__ import annotations

import contextlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hub.backup.place import Backup, Place
from hub.settings import Blobs as BlobSettings
from hub.store.blobs import open_blobs
from sync.adapters.blob_store import BlobStore
from sync.adapters.blob_store.folder import FolderStore
from sync.adapters.keys import write_whole
from sync.adapters.sqlite_log.connection import Connection
from sync.kernel.outcome import Unavailable
from sync.kernel.suite import Suite
from sync.protocol.blob import chunks_of

FOLDER = "blobs"
_CONTEXT = b"way/1 backup blobs\0"


@dataclass(frozen=True, slots=True)
class BlobCopies:
    """`here`: where the hub keeps its blobs. `away`: the copy in the place; None where `here` is away already."""

    here: BlobStore
    away: BlobStore | None

    def keep(self, rows: Iterable[tuple[bytes, int]]) -> list[bytes]:
        """Bring (blob, bytes) into the place; those that are whole there now. Raises Unavailable `blob.store`."""
        return [blob for blob, size in rows if self._kept(blob, size)]

    def bring_back(self, rows: Iterable[tuple[bytes, int]]) -> list[bytes]:
        """Bring lost ones back from the place; those that are nowhere, for whoever still holds them to send again."""
        lost = []
        for blob, size in rows:
            if self.here.size(blob) == size:
                continue
            if self.away is None or not _copied(self.away, self.here, blob, size):
                lost.append(blob)
        return lost

    def _kept(self, blob: bytes, size: int) -> bool:
        if self.away is None:
            return self.here.size(blob) == size
        return self.away.size(blob) == size or _copied(self.here, self.away, blob, size)


def open_copies(folder: Path, place: Path, settings: BlobSettings, suite: Suite) -> BlobCopies:
    """The blobs of the hub in `folder`, and their copies in `place`. Raises Unavailable `backup.place`."""
    here = open_blobs(folder, settings, suite)
    if settings.s3_url:
        return BlobCopies(here, None)
    try:
        return BlobCopies(here, FolderStore(place / FOLDER, suite.hash))
    except OSError as fault:
        raise Unavailable("backup.place", 60.0) from fault


def held(conn: Connection) -> list[tuple[bytes, int]]:
    """What the hub has signed for: (blob, bytes), by name."""
    rows = conn.execute("SELECT id, bytes FROM blob WHERE held_at IS NOT NULL ORDER BY id")
    return [(bytes(row[0]), int(row[1])) for row in rows]


def forget(conn: Connection, lost: Iterable[bytes]) -> None:
    """The hub holds these no more: whoever brings them is asked for all of them."""
    conn.executemany("DELETE FROM blob WHERE id = ?", [(blob,) for blob in lost])


def write_list(place: Place, backup: Backup, blobs: Iterable[bytes]) -> None:
    """Say which blobs a backup has. Raises Unavailable `backup.place`."""
    data = json.dumps([blob.hex() for blob in blobs]).encode()
    try:
        write_whole(_path(place, backup.name), _mac(place, backup, data).encode() + b"\n" + data)
    except OSError as fault:
        raise Unavailable("backup.place", 60.0) from fault


def read_list(place: Place, backup: Backup) -> frozenset[bytes]:
    """Which blobs a backup has; none where it has no list, or one that this hub did not write."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        mac, _, data = _path(place, backup.name).read_bytes().partition(b"\n")
        if hmac.compare_digest(mac, _mac(place, backup, data).encode()):
            return frozenset(bytes.fromhex(name) for name in json.loads(data))
    return frozenset()


def _copied(source: BlobStore, target: BlobStore, blob: bytes, size: int) -> bool:
    """Whether the blob is whole in `target`: its name is computed there from what was written."""
    chunks = chunks_of(size)
    for n in target.missing(blob, chunks):
        if (data := source.chunk(blob, n)) is None:
            return False
        target.put(blob, n, data)
    return target.finish(blob, chunks) and target.size(blob) == size


def _path(place: Place, name: str) -> Path:
    return place.folder / f"{name}.blobs"


def _mac(place: Place, backup: Backup, data: bytes) -> str:
    return place.mac(_CONTEXT + backup.name.encode() + b"\0" + data)
