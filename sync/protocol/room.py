"""What a box may let go of when its disk is full, in which order, and when it may have it back.

Nothing here is the only one of its kind: the hub holds it. What this box wrote and the hub has not signed for is no
holding, so no order of this page can name it. Pure: sizes come as values. Source: protocol way/1, section 5.3.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import IntEnum

SHORT_BYTES = 16 * 1024 * 1024
"""Less than this beside the reserve is short: the write-ahead log alone may grow by as much."""

EDGE_BYTES = 4 * 1024 * 1024
"""Less than this, and the next commits may be refused: now also what today's work needs goes."""

CALM_BYTES = 2 * SHORT_BYTES
"""What is to stay free beside anything that returns, so that it need not go again."""

WORTH_BYTES = 256 * 1024
"""A holding smaller than this gives no room that anybody would notice."""

BLOBS = "blobs"
"""The name of the large bytes that the hub holds; no scope has it."""

KEPT_LABELS = frozenset({"site", "site:people"})
"""Without them nobody could sign in: never let go."""


class Harm(IntEnum):
    """What its absence costs, least first."""

    NONE = 0  # nobody has seen it yet: half a snapshot
    A_LIST = 1  # a list that nobody works from now; it comes back over the line
    A_SECOND_COPY = 2  # bytes that the hub holds and its backups do not yet
    THE_WORK = 3  # what today's work is judged by
    A_BEDSIDE = 4  # what a lease lets somebody read now


@dataclass(frozen=True, slots=True)
class Holding:
    """Something that the hub has as well, here or let go. `name`: a scope label or `BLOBS`."""

    name: str
    bytes: int
    harm: Harm


def harm_of(label: str, at_work: Collection[str]) -> Harm:
    """Of a scope's mirror. `at_work`: labels that a round or a counter is working from now."""
    if label.startswith("grant:"):
        return Harm.A_BEDSIDE
    return Harm.THE_WORK if label in at_work else Harm.A_LIST


def is_short(free_bytes: int) -> bool:
    """Whether something has to go. `free_bytes`: beside the reserve, below 0 where that has not its room."""
    return free_bytes < SHORT_BYTES


def to_find(free_bytes: int) -> int:
    """How many bytes until it is calm, for what may go in parts; 0 when it is."""
    return max(0, CALM_BYTES - free_bytes)


def next_to_go(free_bytes: int, holdings: Iterable[Holding]) -> Holding | None:
    """What goes next: the least harm, and of equal harm the largest, so that few things go.

    None: there is room enough for what would have to go next, or nothing is left.
    """
    able = [
        one
        for one in holdings
        if one.name not in KEPT_LABELS
        and one.bytes >= WORTH_BYTES
        and free_bytes < (EDGE_BYTES if one.harm >= Harm.THE_WORK else SHORT_BYTES)
    ]
    return min(able, key=lambda one: (one.harm, -one.bytes, one.name), default=None)


def next_to_return(free_bytes: int, gone: Iterable[Holding]) -> Holding | None:
    """What comes back first: the greatest harm. It needs room twice, staged and landed, and calm beside it."""
    able = [one for one in gone if CALM_BYTES + 2 * one.bytes <= free_bytes]
    return max(able, key=lambda one: (one.harm, -one.bytes, one.name), default=None)
