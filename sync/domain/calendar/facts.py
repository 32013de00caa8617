"""What facts of the calendar say. Entity types: 30 calendar (key: the year), 31 ward (key: its code)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sync.kernel.fact import NewFact
from sync.merge.shape import Shape, body_of, civil_date, flag, pattern, prose, text, uint

CALENDAR: Final = 30
WARD: Final = 31
YEAR_SEEDED, DAY_SET, CONFIGURED = 100, 101, 105

LIMIT_DAYS_DEFAULT: Final = 2
"""Working days after the discharge within which a record is to be collected, where a ward has no limit of its own."""

year_key: Final = pattern(r"[12][0-9]{3}")
ward_key: Final = pattern(r"[A-Za-z0-9._-]{1,20}")


def _days(value: Any) -> bool:
    """{month * 100 + day: 0 rest | 1 work}."""
    return (
        isinstance(value, dict)
        and len(value) <= 366
        and all(
            type(day) is int and 101 <= day <= 1231 and type(work) is int and work in (0, 1)
            for day, work in value.items()
        )
    )


SHAPES: Final[Mapping[int, Shape]] = {
    YEAR_SEEDED: Shape({1: _days, 2: text(64), 3: flag}),
    DAY_SET: Shape({1: civil_date, 2: flag}, {3: prose(200)}),
    CONFIGURED: Shape({1: text(40)}, {2: text(60), 3: uint(365)}),
}


def year_seeded(year: int, days: Mapping[int, int], source: str, confirmed: bool) -> NewFact:
    """Days that differ from the plain week, as {month * 100 + day: 0 rest | 1 work}, and who published them."""
    body = body_of(SHAPES[YEAR_SEEDED], {1: dict(sorted(days.items())), 2: source, 3: confirmed})
    return NewFact(YEAR_SEEDED, CALENDAR, str(year), body)


def day_set(on: str, working: bool, note: str = "") -> NewFact:
    """A person says what this day is; it stands over whatever is published."""
    return NewFact(DAY_SET, CALENDAR, on[:4], body_of(SHAPES[DAY_SET], {1: on, 2: working, 3: note}))


def configured(code: str, name_zh: str, name_en: str | None = None, limit_days: int = LIMIT_DAYS_DEFAULT) -> NewFact:
    """A ward's names and its limit in working days."""
    return NewFact(CONFIGURED, WARD, code, body_of(SHAPES[CONFIGURED], {1: name_zh, 2: name_en, 3: limit_days}))
