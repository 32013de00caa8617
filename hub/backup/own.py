"""The hub's own facts at the backup place: nobody else holds them, so they are copied as they are cut.

One file a stream, of the same sealed and signed batches that a machine would send, each behind its length. A file that
was cut off in the middle is good up to there. Source: protocol way/1, section 5.7.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from hub.link.voice import HubKeys
from sync.adapters.keys import sync_folder
from sync.adapters.sqlite_log import hub_inbound
from sync.adapters.sqlite_log.hub_store import HubStore
from sync.kernel.ids import StreamId
from sync.kernel.limits import BATCH_SENT_BYTES_MAX
from sync.kernel.outcome import PeerFault
from sync.protocol import batch

_LENGTH = 4


def path_of(folder: Path, stream: StreamId) -> Path:
    return folder / f"{stream.incarnation:016x}-{stream.lane}.way"


def add(folder: Path, stream: StreamId, batches: Sequence[bytes]) -> None:
    """On the disk there on return. Raises OSError."""
    folder.mkdir(mode=0o700, exist_ok=True)
    path = path_of(folder, stream)
    fresh = not path.exists()
    end = 0 if fresh else whole_bytes(path)
    with path.open("r+b" if not fresh else "xb") as file:
        file.seek(end)
        file.truncate()  # what a cut left of the last batch
        for raw in batches:
            file.write(len(raw).to_bytes(_LENGTH, "big") + raw)
        file.flush()
        os.fsync(file.fileno())
    if fresh:
        sync_folder(folder)


def whole_bytes(path: Path) -> int:
    """How much of a file is whole batches."""
    return sum(_LENGTH + len(raw) for raw in batches_of(path))


def batches_of(path: Path) -> Iterator[bytes]:
    """The whole batches of a file, in order."""
    with path.open("rb") as file:
        while len(head := file.read(_LENGTH)) == _LENGTH:
            size = int.from_bytes(head, "big")
            raw = file.read(size) if 0 < size <= BATCH_SENT_BYTES_MAX else b""
            if not raw or len(raw) < size:
                return
            yield raw


def upto_of(path: Path) -> int:
    """The last seq in a file; 0 for none."""
    last = 0
    if path.exists():
        for raw in batches_of(path):
            header = batch.parse_header(raw)
            last = header.first + header.count - 1
    return last


def read_back(folder: Path, store: HubStore, keys: HubKeys) -> int:
    """Take the copied facts into a database that was put back, under their old incarnations. Returns how many are new.

    Signed by the hub's key of now or one of before. Stops in a stream at the first batch that does not fit or does not
    verify; nothing of it counts.
    """
    taken = 0
    for path in sorted(folder.glob("*.way")) if folder.is_dir() else ():
        for raw in batches_of(path):
            try:
                header = batch.parse_header(raw)
                public = keys.own.get(header.key_id)
                if header.node != store.node or public is None:
                    raise PeerFault("batch.key")
                opened = batch.open_batch(raw, header, public_key=public, open_key=keys.sealing, suite=keys.suite)
            except PeerFault:
                break
            items = [item for item in opened.items if isinstance(item, bytes)]
            arrival = hub_inbound.Arrival(
                header.stream, header.first, header.prev, items, frozenset(), opened.hashes, None, raw
            )
            done = hub_inbound.accept_own(store, arrival)
            if done.verdict not in ("appended", "duplicate"):
                break
            taken += done.appended
    return taken
