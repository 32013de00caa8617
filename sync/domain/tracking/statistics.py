"""How fast records come in: what "on time" means, and the counts by ward, courier and day.

On time: collected within the ward's limit of working days after the discharge, the limit's own day included. Late:
collected after it. A record that nobody collected yet counts as *waiting* within the limit and as *overdue* past it.
The rate is on time / (on time + late + overdue): what still waits within its limit can yet be on time and counts for
nothing, and a ward does not look better by never giving a late record away. Records without a discharge date (on no
list) are counted as undated and stay out of the rate.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

DaysBetween = Callable[[datetime.date, datetime.date], int]
"""Working days after the first date up to the second: the calendar's answer."""


class Row(NamedTuple):
    """One stay. Dates are civil dates of the site; `collected_on` None: nobody has it yet."""

    ward: str
    courier: str | None
    discharged_on: datetime.date | None
    collected_on: datetime.date | None


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of stays; they add up to the rows."""

    on_time: int = 0
    late: int = 0
    waiting: int = 0
    overdue: int = 0
    undated: int = 0

    @property
    def collected(self) -> int:
        """Collected, of those with a discharge date."""
        return self.on_time + self.late

    @property
    def rate(self) -> float | None:
        """0 to 1; None where nothing can be said yet."""
        judged = self.on_time + self.late + self.overdue
        return self.on_time / judged if judged else None


def word_of(row: Row, days_between: DaysBetween, limit_days: int, today: datetime.date) -> str:
    """on_time, late, waiting, overdue or undated."""
    if row.discharged_on is None:
        return "undated"
    within = days_between(row.discharged_on, row.collected_on or today) <= limit_days
    if row.collected_on is None:
        return "waiting" if within else "overdue"
    return "on_time" if within else "late"


def tally(
    rows: Iterable[Row], days_between: DaysBetween, limit_of: Callable[[str], int], today: datetime.date
) -> Tally:
    """Counts of all rows; `limit_of(ward)` in working days."""
    counts = dict.fromkeys(("on_time", "late", "waiting", "overdue", "undated"), 0)
    for row in rows:
        counts[word_of(row, days_between, limit_of(row.ward), today)] += 1
    return Tally(**counts)


def tally_by(
    rows: Iterable[Row],
    key: Callable[[Row], str | None],
    days_between: DaysBetween,
    limit_of: Callable[[str], int],
    today: datetime.date,
) -> dict[str, Tally]:
    """One tally per key, in the order of keys; rows whose key is None are left out."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        name = key(row)
        if name is not None:
            groups.setdefault(name, []).append(row)
    return {name: tally(groups[name], days_between, limit_of, today) for name in sorted(groups)}


def by_ward(row: Row) -> str | None:
    """Every record, collected or not."""
    return row.ward


def by_courier(row: Row) -> str | None:
    """What a courier has collected."""
    return row.courier


def by_day(row: Row) -> str | None:
    """What was collected on a day."""
    return None if row.collected_on is None else row.collected_on.isoformat()
