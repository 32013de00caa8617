"""The carrier one walks with: files on a stick, each an offer that may be taken twice or never.

Up go sealed batches and a hello, down come acknowledgements, the trust bundle and parcels. A file appears whole or not
at all. Source: protocol way/1, section 4.10.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path

from sync.adapters.carrier import SEND_QUEUE_MAX, Heard
from sync.adapters.keys import write_whole
from sync.kernel.limits import STICK_BYTES_MAX
from sync.kernel.outcome import PeerFault, Unavailable
from sync.protocol import stick

SUFFIX = ".way"


def write_stick(folder: Path, node: str, messages: Sequence[bytes]) -> Path:
    """Put messages on the stick as `way-<node>-<n>.way`, n the first free number. Raises Unavailable `stick.write`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = [_number(path, node) for path in folder.glob(f"way-{node}-*{SUFFIX}")]
        path = folder / stick.file_name(node, max(taken, default=0) + 1)
        write_whole(path, stick.pack(messages), mode=0o644)
    except OSError as fault:
        raise Unavailable("stick.write", 5.0) from fault
    return path


def read_stick(path: Path) -> list[bytes]:
    """The messages of one file. Raises PeerFault `stick.*` on any damage, Unavailable `stick.read` when it is gone."""
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size > STICK_BYTES_MAX:
                raise PeerFault("stick.too-long")
            raw = file.read(STICK_BYTES_MAX + 1)
    except OSError as fault:
        raise Unavailable("stick.read", 5.0) from fault
    return stick.unpack(raw)


def _number(path: Path, node: str) -> int:
    text = path.name.removeprefix(f"way-{node}-").removesuffix(SUFFIX)
    return int(text) if text.isascii() and text.isdigit() else 0


class StickLink:
    """A session's line made of files: what is sent waits until `write_out`, what comes back enters by `take_in`."""

    name = "stick"

    def __init__(self, node: str, heard: Heard) -> None:
        self._node = node
        self._heard = heard
        self._lock = threading.Lock()
        self._open = False
        self._waiting: list[bytes] = []

    def open(self) -> None:
        with self._lock:
            if self._open:
                return
            self._open = True
        self._heard.up(self.name)

    def send(self, message: bytes) -> bool:
        with self._lock:
            if not self._open or len(self._waiting) >= SEND_QUEUE_MAX:
                return False
            self._waiting.append(message)
        return True

    def hold(self, labels: frozenset[str]) -> None:
        """Nothing to do: what a stick brings of feeds is asked for in the file that goes up."""

    def close(self) -> None:
        with self._lock:
            self._open = False
            self._waiting.clear()

    def write_out(self, folder: Path) -> Path | None:
        """Everything that waits, as one file. None when nothing waits; what was written is forgotten here."""
        with self._lock:
            messages, self._waiting = self._waiting, []
        return write_stick(folder, self._node, messages) if messages else None

    def take_in(self, path: Path) -> int:
        """Hear a file brought back. Returns how many messages it held. Raises as `read_stick`."""
        messages = read_stick(path)
        for message in messages:
            self._heard.received(self.name, message)
        return len(messages)
