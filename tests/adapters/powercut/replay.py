"""What a disk may hold after the power goes: all that was flushed, and any part of what was only asked for.

A file keeps what its last flush covered. Of later writes none, some, or a torn one may be there, in 512-byte sectors;
a name that was made, moved or removed is sure once its folder (or, for a new file, the file) was flushed, and names
reach the disk in order.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

WRITE, TRUNCATE, SYNC, CREATE, UNLINK, RENAME = 1, 2, 3, 4, 5, 6
SECTOR_BYTES = 512
_HEAD = struct.Struct("<BHQI")
_NAMES = (CREATE, UNLINK, RENAME)


@dataclass(frozen=True, slots=True)
class Event:
    op: int
    name: str
    offset: int
    data: bytes
    to: str = ""


def read_record(path: Path) -> list[Event]:
    """Everything the recorder wrote down, in order."""
    raw, at, events = path.read_bytes(), 0, []
    while at < len(raw):
        op, width, offset, length = _HEAD.unpack_from(raw, at)
        at += _HEAD.size
        name, _, to = raw[at : at + width].decode().partition("\0")
        at += width
        size = length if op == WRITE else 0
        events.append(Event(op, name, offset, raw[at : at + size], to))
        at += size
    return events


Files = dict[str, bytearray]


@dataclass(slots=True)
class Disk:
    """`sure`: what survives for certain, by name. `asked`: events since then, oldest first."""

    sure: Files
    asked: list[Event] = field(default_factory=list)

    def take(self, event: Event) -> None:
        if event.op != SYNC:
            self.asked.append(event)
            return
        waiting, self.asked = self.asked, []
        for each in waiting:
            # A flush of a file covers its own writes and its own making; of its folder, every name.
            if each.name == event.name or (each.op in _NAMES and each.name.rpartition("/")[0] == event.name):
                apply(self.sure, each)
            else:
                self.asked.append(each)

    def states(self, rng: random.Random, draws: int) -> Iterator[Files]:
        """Some of what may be found: nothing more, everything, and `draws` of each kind between."""
        every = range(len(self.asked))
        yield self._with([])
        if not every:
            return
        yield self._with(every)
        for _ in range(draws):
            upto = rng.randrange(len(every))
            torn = (upto, rng)
            yield self._with(every[:upto])
            yield self._with([n for n in every if rng.random() < 0.5])
            yield self._with(every[:upto], torn)
            yield self._with([n for n in every if rng.random() < 0.7], torn)

    def _with(self, chosen: Sequence[int], torn: tuple[int, random.Random] | None = None) -> Files:
        files = {name: bytearray(held) for name, held in self.sure.items()}
        picked = set(chosen)
        names = [n for n, event in enumerate(self.asked) if event.op in _NAMES]
        # Names reach the disk in order: there up to a point.
        picked = (picked - set(names)) | set(names[: sum(1 for n in names if n in picked)])
        for n, event in enumerate(self.asked):
            if torn is not None and n == torn[0] and event.op == WRITE:
                for part in _sectors(event, torn[1]):
                    apply(files, part)
            elif n in picked:
                apply(files, event)
        return files


def _sectors(event: Event, rng: random.Random) -> Iterator[Event]:
    """Some of the sectors that a write touches."""
    start, end = event.offset, event.offset + len(event.data)
    while start < end:
        stop = min(end, (start // SECTOR_BYTES + 1) * SECTOR_BYTES)
        if rng.random() < 0.5:
            yield Event(WRITE, event.name, start, event.data[start - event.offset : stop - event.offset])
        start = stop


def apply(files: Files, event: Event) -> None:
    """One event on the files. What it names and is not there (its making is not sure) is passed over."""
    held = files.get(event.name)
    if event.op == CREATE:
        files.setdefault(event.name, bytearray())
    elif held is None:
        return
    elif event.op == WRITE:
        held.extend(bytes(max(0, event.offset - len(held))))
        held[event.offset : event.offset + len(event.data)] = event.data
    elif event.op == TRUNCATE:
        del held[event.offset :]
        held.extend(bytes(event.offset - len(held)))
    elif event.op == UNLINK:
        del files[event.name]
    elif event.op == RENAME:
        files[event.to] = files.pop(event.name)
