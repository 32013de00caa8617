"""Counting working days between two civil dates, over as many years as it takes.

The discharge day is day 0; day 1 is the first working day after it. A year that nobody published counts its plain
weeks (Monday to Friday) and whatever a person set, and the answer says that it is not confirmed.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import NamedTuple

from sync.domain.calendar.fold import Year

_SATURDAY = 5


class WorkingDays(NamedTuple):
    """How many, and whether every year touched was published as final."""

    days: int
    confirmed: bool


class Calendar:
    """The years of a site, by number."""

    def __init__(self, years: Mapping[int, Year]) -> None:
        self._exceptions = {year: state.exceptions for year, state in years.items()}
        self._confirmed = {year for year, state in years.items() if state.confirmed}

    def is_working(self, on: datetime.date) -> bool:
        """Whether people work on this day."""
        told = self._exceptions.get(on.year, {}).get(on.month * 100 + on.day)
        return on.weekday() < _SATURDAY if told is None else told

    def confirmed(self, first: datetime.date, last: datetime.date) -> bool:
        """Whether all years from the one to the other were published."""
        return all(year in self._confirmed for year in range(first.year, last.year + 1))

    def working_days_between(self, discharged_on: datetime.date, today: datetime.date) -> WorkingDays:
        """Working days after the discharge up to and with today; 0 when today is not after it."""
        if today <= discharged_on:
            return WorkingDays(0, self.confirmed(today, discharged_on))
        days = _weekdays_until(today) - _weekdays_until(discharged_on)
        for year in range(discharged_on.year, today.year + 1):
            for day, working in self._exceptions.get(year, {}).items():
                on = _date(year, day)
                if on is not None and discharged_on < on <= today:
                    days += int(working) - int(on.weekday() < _SATURDAY)
        return WorkingDays(days, self.confirmed(discharged_on, today))


def overdue(days: int, limit_days: int) -> bool:
    """Past the limit: the limit's own day is still in time."""
    return days > limit_days


def _weekdays_until(on: datetime.date) -> int:
    """Mondays to Fridays from 0001-01-01, a Monday, up to and with the day."""
    weeks, rest = divmod(on.toordinal(), 7)
    return weeks * 5 + min(rest, 5)


def _date(year: int, day: int) -> datetime.date | None:
    """29 February set for a common year is no day."""
    try:
        return datetime.date(year, day // 100, day % 100)
    except ValueError:
        return None
