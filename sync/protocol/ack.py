"""What the hub signs for: how far each stream of a node is in its log.

Source: protocol way/1, section 4.6.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sync.kernel.suite import Hasher
from sync.protocol.fields import COUNT, INCARNATION, LANE, Fields, H, anything, count, raw, text, truth

OPEN, FROZEN, WAITING = 0, 1, 2
"""State of a stream: open, frozen (equivocation or an operator's word), waits for an operator (a hole)."""

_CODE = "ack.body"


@dataclass(frozen=True, slots=True)
class StreamAck:
    """One stream: everything up to seq `upto` is in the hub's log, with chain hash `h` there.

    `gaps`: [a, b] that are missing below what is parked. `refused`: first seq of a batch and the code it failed with.
    `rejects`: (seq, code, quarantine id) of single facts set aside. `safe`: highest seq that may be pruned by age.
    """

    incarnation: int
    lane: int
    upto: int
    h: bytes
    state: int = OPEN
    gaps: tuple[tuple[int, int], ...] = ()
    refused: tuple[tuple[int, str], ...] = ()
    rejects: tuple[tuple[int, str, int], ...] = ()
    safe: int = 0


@dataclass(frozen=True, slots=True)
class Credit:
    """What may be sent beyond the windows: bytes, batches, not before (hub ms), good for s."""

    bytes: int
    batches: int
    not_before_ms: int
    good_for_s: int


@dataclass(frozen=True, slots=True)
class Ack:
    """`hub_time` is the hub's HLC. A stream left out is unchanged. `blobs`: (blob id, safe)."""

    streams: tuple[StreamAck, ...]
    hub_time: int
    credit: Credit | None = None
    blobs: tuple[tuple[bytes, bool], ...] = ()

    def body(self) -> Mapping[int, Any]:
        """The numbered map."""
        fields: dict[int, Any] = {1: [_stream_row(stream) for stream in self.streams]}
        if self.credit is not None:
            credit = self.credit
            fields[2] = [credit.bytes, credit.batches, credit.not_before_ms, credit.good_for_s]
        fields[3] = self.hub_time
        if self.blobs:
            fields[4] = _lists(self.blobs)
        return fields

    @classmethod
    def read(cls, body: object) -> Ack:
        """Raises PeerFault `ack.body`."""
        fields = Fields(body, _CODE)
        columns = (INCARNATION, LANE, COUNT, H, count(2), anything, anything, anything, COUNT)
        streams = tuple(_stream(fields, *row) for row in fields.rows(1, *columns))
        credit = fields.row(2, COUNT, COUNT, COUNT, COUNT)
        return cls(
            streams,
            fields.one(3, COUNT),
            None if credit is None else Credit(*credit),
            tuple((blob, safe) for blob, safe in fields.rows(4, raw(32), truth)),
        )


def acked_digest(hasher: Hasher, hashes: list[bytes]) -> bytes:
    """Hello field 8: H8 over the h at each `acked`, in the order of field 7."""
    return hasher(b"".join(hashes)).digest()[:8]


def _stream_row(stream: StreamAck) -> list[Any]:
    return [
        stream.incarnation,
        stream.lane,
        stream.upto,
        stream.h,
        stream.state,
        _lists(stream.gaps),
        _lists(stream.refused),
        _lists(stream.rejects),
        stream.safe,
    ]


def _lists(rows: Iterable[Iterable[Any]]) -> list[list[Any]]:
    """As it is encoded: what has tuples or is out of order is walked twice."""
    return [list(row) for row in rows]


def _stream(
    fields: Fields, incarnation: int, lane: int, upto: int, h: bytes, state: int, gaps: Any, refused: Any,
    rejects: Any, safe: int
) -> StreamAck:  # fmt: skip
    inner = Fields({1: gaps, 2: refused, 3: rejects}, _CODE)
    return StreamAck(
        incarnation,
        lane,
        upto,
        h,
        state,
        tuple((a, b) for a, b in inner.rows(1, COUNT, COUNT)),
        tuple((first, code) for first, code in inner.rows(2, COUNT, text(60))),
        tuple((seq, code, number) for seq, code, number in inner.rows(3, COUNT, text(60), COUNT)),
        safe,
    )
