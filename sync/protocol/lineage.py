"""Whether a node's process starts form one line: the judgement on openings, without the rows it is made on.

Each process start names the start before it on its disk, and where that one's streams ended. On one disk this makes a
line. Two starts that name the same one before them, or facts above the end that the next start named, mean that a
disk was put back or copied: a fork. Every sign shows at one start and those that follow it directly, so a family of
these is judged as soon as it is known, and what is still on its way cannot raise a false alarm.
Source: protocol way/1, section 1, "Opening" and "How the hub judges".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sync.kernel.ids import LANES
from sync.kernel.outcome import PeerFault
from sync.protocol.fields import INCARNATION, LANE, Fields, H, count, text

WHYS: Final = ("start", "restored", "repaired", "thawed", "clock amended")
HEADS_MAX = 8

HELD_MORE, TOLD_MORE, OTHER_HASH, SIBLING = "held-more", "told-more", "other-hash", "sibling"
"""What gave a fork away: the hub holds facts above the named end, a hello told of such facts, the named end has
another hash than the hub's, or another start follows the same one."""

_CODE = "opening.body"


@dataclass(frozen=True, slots=True)
class Head:
    """Where a stream ended on the disk that names it: `h` is the chain hash at `last`."""

    incarnation: int
    lane: int
    last: int
    h: bytes


@dataclass(frozen=True, slots=True)
class Opening:
    """One process start. `before`: the start before it on this disk, None for the first."""

    incarnation: int
    before: int | None
    heads: tuple[Head, ...]
    why: str = "start"

    def named(self, lane: int) -> int:
        """Where the stream of the start before this one ended in a lane; 0: it had none."""
        return next((h.last for h in self.heads if h.incarnation == self.before and h.lane == lane), 0)

    @classmethod
    def read(cls, incarnation: int, body: Mapping[int, Any]) -> Opening:
        """From the body of `stream.opened`. Raises PeerFault `opening.body`."""
        fields = Fields(dict(body), _CODE)
        before = fields.one(1, INCARNATION, None)
        heads = tuple(Head(*row) for row in fields.rows(2, INCARNATION, LANE, count(), H, most=HEADS_MAX))
        if before == incarnation or any(head.incarnation == incarnation for head in heads):
            raise PeerFault(_CODE)
        return cls(incarnation, before, heads, fields.one(7, text(32), "start"))


@dataclass(frozen=True, slots=True)
class Family:
    """A start and those that name it, in the order in which the hub learnt of them; `of` None: the first starts.

    `held`: by lane, how far the hub holds its streams. `told`: how far any hello said that they go. `differs`: starts
    that name a hash which is not the hub's. `forked`: starts already known as forks.
    """

    of: int | None
    next: Sequence[Opening]
    held: Mapping[int, int] = field(default_factory=dict)
    told: Mapping[int, int] = field(default_factory=dict)
    differs: frozenset[int] = frozenset()
    forked: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Fork:
    """From this start on the node has another past than the hub knows."""

    incarnation: int
    why: str


def judge(family: Family) -> list[Fork]:
    """The forks in a family that were not known yet. At most one start continues the one before it."""
    found: list[Fork] = []
    continued = False
    for opening in family.next:
        if opening.incarnation in family.forked:
            continue
        why = _overrun(family, opening) or (SIBLING if continued else None)
        if why is None:
            continued = True
        else:
            found.append(Fork(opening.incarnation, why))
    return found


def _overrun(family: Family, opening: Opening) -> str | None:
    if family.of is None:
        return None
    if any(family.held.get(lane, 0) > opening.named(lane) for lane in LANES):
        return HELD_MORE
    if any(family.told.get(lane, 0) > opening.named(lane) for lane in LANES):
        return TOLD_MORE
    return OTHER_HASH if opening.incarnation in family.differs else None


def lines(openings: Sequence[Opening], forked: Mapping[int, int]) -> dict[int, int]:
    """The line of each start: that of the nearest fork at or above it, 0 where there is none.

    `forked`: line of each forked start.
    """
    before = {opening.incarnation: opening.before for opening in openings}
    found: dict[int, int] = {}
    for incarnation in before:
        path: list[int] = []
        at: int | None = incarnation
        line = 0
        while at is not None and at in before and at not in path:
            if at in found or at in forked:
                line = forked[at] if at in forked else found[at]
                break
            path.append(at)
            at = before[at]
        found.update(dict.fromkeys(path, line))
        found[incarnation] = forked.get(incarnation, line)
    return found
