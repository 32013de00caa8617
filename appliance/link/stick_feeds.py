"""Feeds that somebody carried here: what a parcel holds, as if the hub answered it over a line.

Nothing of it is believed for having come on a stick: rounds verify every part as they do on a line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NoReturn

from sync.kernel.outcome import Unavailable
from sync.protocol import parcel
from sync.protocol.segment import parse_segment_header

_ANOTHER_DAY_S = 3600.0


class StickFeeds:
    """Answers of one file, by the addresses of `sync.protocol.parcel`. What it lacks is Unavailable `stick.absent`."""

    def __init__(self, answers: Mapping[str, bytes]) -> None:
        self._answers = answers
        self._repaired: set[str] = set()

    def heads(self) -> bytes:
        return self._answers.get(parcel.HEADS) or _absent()

    def manifest(self, label: str) -> bytes:
        return self._answers.get(parcel.manifest_at(label), b"")

    def snapshot(self, label: str, epoch: int, sseq: int, k: int) -> Iterator[bytes]:
        while (raw := self._answers.get(parcel.snapshot_at(label, k))) is not None:
            yield raw
            k += 1

    def segment(self, label: str, epoch: int, first: int) -> bytes:
        """The run that holds entry `first`; empty when the file has it not."""
        for raw in self._run(label, parcel.tail_at):
            header = parse_segment_header(raw)
            if header.first <= first <= header.last:
                return raw
        return b""

    def repair(self, label: str, asked: bytes) -> list[bytes]:
        """The answer to what this box asked in the file that went up; told once."""
        parts = [] if label in self._repaired else list(self._run(label, parcel.sets_at))
        self._repaired.add(label)
        return parts or _absent()

    def own_history(self, incarnation: int, lane: int, first: int) -> bytes:
        _absent()

    def _run(self, label: str, at: parcel.Address) -> Iterator[bytes]:
        k = 0
        while (raw := self._answers.get(at(label, k))) is not None:
            yield raw
            k += 1


def _absent() -> NoReturn:
    raise Unavailable("stick.absent", _ANOTHER_DAY_S)
