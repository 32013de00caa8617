"""A year's days and a ward's settings. Law `register` throughout: the last write in order stands.

What a person set and what was published are two layers: publishing again does not undo a person's day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sync.domain.calendar import facts
from sync.kernel.fact import Annotation, Fact
from sync.kernel.ids import FactId


@dataclass(slots=True)
class Year:
    """A value. Days by month * 100 + day: True is a working day."""

    year: int = 0
    published: dict[int, bool] = field(default_factory=dict)
    source: str = ""
    confirmed: bool = False
    set_by_hand: dict[int, bool] = field(default_factory=dict)
    notes: dict[int, str] = field(default_factory=dict)
    extra: dict[int, Any] = field(default_factory=dict)

    @property
    def exceptions(self) -> dict[int, bool]:
        """Both layers, the person's on top."""
        return self.published | self.set_by_hand


def fold_year(state: Year, fact: Fact, fid: FactId, ann: Annotation) -> Year:
    """What the year's days are now."""
    body, year = fact.body, int(fact.key)
    if fact.kind == facts.YEAR_SEEDED:
        published = {day: bool(work) for day, work in body[1].items()}
        return replace(state, year=year, published=published, source=body[2], confirmed=body[3])
    if fact.kind == facts.DAY_SET:
        day = int(body[1][5:7]) * 100 + int(body[1][8:10])
        note = body.get(3) or ""
        return replace(
            state, year=year, set_by_hand={**state.set_by_hand, day: body[2]}, notes={**state.notes, day: note}
        )
    return state


def dump_year(state: Year) -> dict[int, Any]:
    """Numbered map."""
    made: dict[int, Any] = {
        1: state.year,
        2: dict(sorted(state.published.items())),
        3: state.source,
        4: state.confirmed,
        5: dict(sorted(state.set_by_hand.items())),
        6: dict(sorted(state.notes.items())),
    }
    return made | state.extra


def load_year(kept: Mapping[int, Any]) -> Year:
    """Back."""
    extra = {number: value for number, value in kept.items() if number > 6}
    return Year(
        kept.get(1, 0), dict(kept.get(2, {})), kept.get(3, ""), kept.get(4, False), dict(kept.get(5, {})),
        dict(kept.get(6, {})), extra,
    )  # fmt: skip


@dataclass(slots=True)
class Ward:
    """A value. `limit_days`: working days after the discharge."""

    name_zh: str = ""
    name_en: str = ""
    limit_days: int = facts.LIMIT_DAYS_DEFAULT
    extra: dict[int, Any] = field(default_factory=dict)


def fold_ward(state: Ward, fact: Fact, fid: FactId, ann: Annotation) -> Ward:
    """What the ward is called and how long it may take."""
    if fact.kind != facts.CONFIGURED:
        return state
    body = fact.body
    limit = body.get(3)
    return Ward(body[1], body.get(2) or "", facts.LIMIT_DAYS_DEFAULT if limit is None else limit, state.extra)


def dump_ward(state: Ward) -> dict[int, Any]:
    """Numbered map."""
    return {1: state.name_zh, 2: state.name_en, 3: state.limit_days} | state.extra


def load_ward(kept: Mapping[int, Any]) -> Ward:
    """Back."""
    extra = {number: value for number, value in kept.items() if number > 3}
    return Ward(kept.get(1, ""), kept.get(2, ""), kept.get(3, facts.LIMIT_DAYS_DEFAULT), extra)
