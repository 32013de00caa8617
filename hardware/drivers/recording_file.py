"""A file for what a device said, already masked: one JSON document a line, readable by its owner alone, bounded."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

FILE_BYTES_MAX = 4 * 1024 * 1024


class RecordingFile:
    """Appends. A file that is full, a disk that is, or a folder that is not to be had ends the recording and no more.

    Any thread may add.
    """

    def __init__(self, path: Path, mono_s: Callable[[], float]) -> None:
        self._mono_s = mono_s
        self._began_s = mono_s()
        self._lock = threading.Lock()
        self._left, self._fd = 0, -1
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            self._left = FILE_BYTES_MAX - os.fstat(self._fd).st_size

    def add(self, entry: dict[str, Any]) -> None:
        """With `at_s`, seconds since the file was opened."""
        line = json.dumps({"at_s": round(self._mono_s() - self._began_s, 3), **entry}).encode() + b"\n"
        with self._lock, contextlib.suppress(OSError):
            self._left -= len(line)
            if self._left >= 0 and self._fd >= 0:
                os.write(self._fd, line)

    def close(self) -> None:
        with self._lock:
            fd, self._fd = self._fd, -1
            if fd >= 0:
                os.close(fd)


def named(folder: Path, device: str, kind: str = "identity") -> Path:
    """The file of a device in a folder of recordings."""
    return folder / f"{''.join(char if char.isalnum() else '-' for char in device)}.{kind}.jsonl"


def recorded(path: Path) -> Iterator[dict[str, Any]]:
    """The entries of a recording, oldest first."""
    return (json.loads(line) for line in path.read_text(encoding="ascii").splitlines())
