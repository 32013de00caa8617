"""Where a verified batch stands in its stream at the hub: the whole decision, without the rows it is made on.

An equal hash at one seq proves an equal past, so one comparison is enough, whatever borders the batch was cut at.
Source: protocol way/1, section 4.5.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StreamView:
    """What the hub holds: everything up to `upto`. `hash_at(seq)` answers for 1 to `upto`; before 1 it is 32 zeros."""

    upto: int
    frozen: bool
    hash_at: Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Append:
    """Keep the items from index `skip` on; those before are held already."""

    skip: int


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Nothing new: acknowledge again."""


@dataclass(frozen=True, slots=True)
class Park:
    """Comes too early: keep it aside if there is room, and tell the gap (first missing, last missing)."""

    gap: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Equivocation:
    """Another history at `seq`: keep both, freeze the stream, alarm."""

    seq: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """The stream is frozen: keep the batch aside whole, acknowledge with the state."""


Placement = Append | Duplicate | Park | Equivocation | Evidence


def agreed(view: StreamView, *, first: int, prev: bytes, hashes: Sequence[bytes]) -> int:
    """The last seq at which a batch and what the hub holds are one history; 0 when they part before the batch."""
    before = first - 1
    if before > view.upto or (view.hash_at(before) != prev if before else prev != bytes(32)):
        return 0
    for seq, told in enumerate(hashes, first):
        if seq > view.upto or view.hash_at(seq) != told:
            return seq - 1
    return first + len(hashes) - 1


def place(view: StreamView, *, first: int, prev: bytes, hashes: Sequence[bytes]) -> Placement:
    """The case of the table. `hashes`: h of each item, seq `first` and on (at least one); `prev`: h of first - 1."""
    last = first + len(hashes) - 1
    if view.frozen:
        return Evidence()
    if first > view.upto + 1:
        return Park((view.upto + 1, first - 1))
    at = min(last, view.upto)
    told = hashes[at - first] if at >= first else prev
    if view.hash_at(at) != told if at else told != bytes(32):
        return Equivocation(at)
    return Duplicate() if last <= view.upto else Append(view.upto + 1 - first)
