"""A hand-in: a courier gives the rounds of a walk to the records room, which scans and counts.

The machine is about the counter. Each reception and each miss is a fact of its stay and names the hand-in; the closing
repeats the counts, so that the paper of the day can be printed from one entity. What differs is settled on the stay.
A missing pair changes nothing; `new` is a hand-in known only by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sync.domain.tracking import facts
from sync.kernel.fact import Annotation, Fact
from sync.kernel.ids import FactId
from sync.merge.machine import Table, next_state

NEW, OPEN, CLOSED = "new", "open", "closed"

HANDIN_MACHINE: Final[Table] = {(NEW, "opened"): OPEN, (NEW, "closed"): CLOSED, (OPEN, "closed"): CLOSED}
_WORDS: Final = {facts.HANDIN_OPENED: "opened", facts.HANDIN_CLOSED: "closed"}


@dataclass(slots=True)
class HandIn:
    """A value. `missing` and `extra_keys` are stay keys as counted at the closing."""

    status: str = NEW
    courier: str | None = None
    rounds: tuple[str, ...] = ()
    opened_at_ms: int | None = None
    expected: int | None = None
    received: int | None = None
    missing: tuple[str, ...] = ()
    extra_keys: tuple[str, ...] = ()
    closed_at_ms: int | None = None
    extra: dict[int, Any] = field(default_factory=dict)


def fold(state: HandIn, fact: Fact, fid: FactId, ann: Annotation) -> HandIn:
    """The first closing counts."""
    body = fact.body
    status = next_state(HANDIN_MACHINE, state.status, _WORDS.get(fact.kind, ""))
    if fact.kind == facts.HANDIN_OPENED:
        return replace(state, status=status, courier=body[1], rounds=tuple(body[2]), opened_at_ms=fact.at_ms)
    if fact.kind == facts.HANDIN_CLOSED and state.status != CLOSED:
        return replace(
            state,
            status=status,
            expected=body[1],
            received=body[2],
            missing=tuple(body[3]),
            extra_keys=tuple(body[4]),
            closed_at_ms=fact.at_ms,
        )
    return state


_PLAIN: Final = ("status", "courier", "opened_at_ms", "expected", "received", "closed_at_ms")


def dump(state: HandIn) -> dict[int, Any]:
    """Numbered map."""
    made = {number: value for number, name in enumerate(_PLAIN, 1) if (value := getattr(state, name)) is not None}
    made[7] = list(state.rounds)
    made[8] = list(state.missing)
    made[9] = list(state.extra_keys)
    return made | state.extra


def load(kept: Mapping[int, Any]) -> HandIn:
    """Back."""
    return HandIn(
        **{name: kept[number] for number, name in enumerate(_PLAIN, 1) if number in kept},
        rounds=tuple(kept.get(7, ())),
        missing=tuple(kept.get(8, ())),
        extra_keys=tuple(kept.get(9, ())),
        extra={number: value for number, value in kept.items() if number > 9},
    )
