"""The file outside the data folder that counts what was used of leases, before the database does.

A database that is put back from a backup finds the higher count here; a file that is behind the database, of another
node or not whole witnesses nothing. It is written whole and made durable each time.
Source: protocol way/1, section 1, "Leases under restore and clone".
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sync.adapters.keys import write_whole
from sync.adapters.sqlite_log.steps import Point, nothing
from sync.kernel.canonical import decode, encode
from sync.kernel.outcome import PeerFault, Unavailable
from sync.protocol.elapsed import Mark
from sync.protocol.fields import COUNT, H16, Fields, text, truth

_MAGIC = b"WAYWIT1\0"
_HEAD_BYTES = len(_MAGIC) + 32
_BYTES_MAX = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Count:
    """Of one counted lease: units used, whether it is done with, and the hub time (ms) until which it is remembered."""

    used: int
    done: bool
    until_ms: int


@dataclass(frozen=True, slots=True)
class Told:
    """Everything the file says. `floor_ms`: the newest signed hub time heard."""

    mark: Mark
    floor_ms: int = 0
    counts: Mapping[bytes, Count] = field(default_factory=dict)


class Witness:
    """One node's file. One process uses it."""

    def __init__(self, path: Path, node: str, point: Point = nothing) -> None:
        self._path = path
        self._node = node
        self.point = point

    def read(self) -> Told | None:
        """What it says; None when there is none, or none that can be believed."""
        try:
            raw = self._path.read_bytes()
        except OSError:
            return None
        head, body = raw[:_HEAD_BYTES], raw[_HEAD_BYTES:]
        if head != _MAGIC + hashlib.sha256(body).digest():
            return None
        try:
            return _told(decode(body, max_bytes=_BYTES_MAX), self._node)
        except PeerFault:
            return None

    def write(self, told: Told) -> None:
        """Durable when it returns. Raises Unavailable `lease.witness`; then nothing may be shown."""
        mark = told.mark
        rows = [[lease, count.used, count.done, count.until_ms] for lease, count in sorted(told.counts.items())]
        clocks = [mark.meter_ms, mark.boot_id, mark.boot_ms, mark.wall_ms, mark.believed]
        body = encode({1: self._node, 2: clocks, 3: told.floor_ms, 4: rows})
        try:
            self.point("lease.witness:before")
            write_whole(self._path, _MAGIC + hashlib.sha256(body).digest() + body)
        except OSError as fault:
            raise Unavailable("lease.witness", 5.0) from fault
        self.point("lease.witness:after")


def _told(value: Any, node: str) -> Told | None:
    fields = Fields(value, "lease.witness")
    if fields.one(1, text(16)) != node:
        return None
    clocks = fields.row(2, COUNT, text(64), COUNT, COUNT, truth)
    assert clocks is not None
    rows = fields.rows(4, H16, COUNT, truth, COUNT)
    return Told(Mark(*clocks), fields.one(3, COUNT), {row[0]: Count(*row[1:]) for row in rows})
