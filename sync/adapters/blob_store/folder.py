"""Blobs in a folder: `parts/<name>/<n>` while they come, `held/<two>/<name>/<n>` once they are whole.

A name is made here from the blob's id and nothing else. Becoming whole is one rename, after every byte is on disk.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from sync.kernel.outcome import Unavailable
from sync.protocol.blob import ID_BYTES, blob_id

_RETRY_S = 30.0


class FolderStore:
    """A `BlobStore` of one folder, used by one process. `hash32` is the suite's hash."""

    def __init__(self, root: Path, hash32: Callable[[bytes], bytes]) -> None:
        self._parts = root / "parts"
        self._held = root / "held"
        self._hash32 = hash32
        self._lock = threading.Lock()
        for folder in (self._parts, self._held):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def missing(self, blob: bytes, chunks: int) -> list[int]:
        if self._whole(blob).is_dir():
            return []
        here = set(_numbers(self._part(blob)))
        return [n for n in range(chunks) if n not in here]

    def put(self, blob: bytes, n: int, data: bytes) -> None:
        if self._whole(blob).is_dir():
            return
        with self._lock, _kept():
            folder = self._part(blob)
            if not folder.is_dir():
                folder.mkdir(mode=0o700)
                _sync_folder(self._parts)
            fresh = folder / f".{n}"
            with fresh.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(folder / str(n))
            _sync_folder(folder)

    def finish(self, blob: bytes, chunks: int) -> bool:
        whole, part = self._whole(blob), self._part(blob)
        with self._lock, _kept():
            if whole.is_dir():
                return True
            if _numbers(part) != list(range(chunks)):
                return False
            if blob_id((self._hash32((part / str(n)).read_bytes()) for n in range(chunks)), self._hash32) != blob:
                shutil.rmtree(part)
                return False
            whole.parent.mkdir(exist_ok=True, mode=0o700)
            part.rename(whole)
            for folder in (whole.parent, self._held, self._parts):
                _sync_folder(folder)
            return True

    def size(self, blob: bytes) -> int | None:
        whole = self._whole(blob)
        return sum((whole / str(n)).stat().st_size for n in _numbers(whole)) if whole.is_dir() else None

    def chunk(self, blob: bytes, n: int) -> bytes | None:
        try:
            return (self._whole(blob) / str(n)).read_bytes()
        except FileNotFoundError:
            return None
        except OSError:
            raise Unavailable("blob.store", _RETRY_S) from None

    def drop(self, blob: bytes) -> None:
        with self._lock, _kept():
            for folder in (self._whole(blob), self._part(blob)):
                if folder.is_dir():
                    shutil.rmtree(folder)
                    _sync_folder(folder.parent)

    def finished(self) -> Iterator[bytes]:
        for shelf in sorted(self._held.iterdir()):
            for whole in sorted(shelf.iterdir()):
                yield bytes.fromhex(whole.name)

    def _part(self, blob: bytes) -> Path:
        return self._parts / _name(blob)

    def _whole(self, blob: bytes) -> Path:
        name = _name(blob)
        return self._held / name[:2] / name


def _name(blob: bytes) -> str:
    assert len(blob) == ID_BYTES
    return blob.hex()


def _numbers(folder: Path) -> list[int]:
    """The chunks that lie in a folder, ascending; what was being written when the power went is none."""
    try:
        return sorted(int(name) for name in os.listdir(folder) if name.isdecimal())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _kept() -> Iterator[None]:
    """A disk that is full or broken is unavailable, not a bug."""
    try:
        yield
    except OSError:
        raise Unavailable("blob.store", _RETRY_S) from None
