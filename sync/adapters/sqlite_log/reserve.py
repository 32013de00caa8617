"""Room kept for the moment when the disk is full: a file that is given up so that the database can tidy itself.

SQLite refuses inserts, deletes and checkpoints alike on a full disk, so what frees space needs space first.
"""

from __future__ import annotations

import os
from pathlib import Path

from sync.adapters.keys import sync_folder

RESERVE_BYTES = 20 * 1024 * 1024
"""More than the write-ahead log is let grow to (16 MiB)."""

LOW_BYTES = 1024 * 1024


class Reserve:
    """One file of real blocks beside a database."""

    def __init__(self, path: Path, size_bytes: int = RESERVE_BYTES) -> None:
        self._path = path
        self._size_bytes = size_bytes

    @property
    def held(self) -> bool:
        return self._path.exists() and self._path.stat().st_size == self._size_bytes

    def fill(self) -> bool:
        """Put the file there whole, flushed. False, and nothing left of it, where there is no room."""
        if self.held:
            return True
        try:
            with open(self._path, "wb") as file:
                os.posix_fallocate(file.fileno(), 0, self._size_bytes)
                os.fsync(file.fileno())
        except OSError:
            self.release()
            return False
        sync_folder(self._path.parent)
        return True

    def release(self) -> None:
        """Give the room back; nothing to give is no fault."""
        self._path.unlink(missing_ok=True)

    def make_room(self, least_bytes: int = LOW_BYTES) -> None:
        """Before what needs room itself: even looking at a database needs a few pages, and deleting a few megabytes."""
        room = os.statvfs(self._path.parent)
        if room.f_bavail * room.f_frsize < least_bytes:
            self.release()
