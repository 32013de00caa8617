"""Figures of a span of days. On time: collected within the limit of working days of the ward; else late or unknown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Protocol

from hub.features.statistics import store
from hub.store.desk import Desk
from sync.kernel.outcome import Refused

DAYS_MAX = 400


class Age(Protocol):
    @property
    def late(self) -> bool: ...
    @property
    def confirmed(self) -> bool: ...


@dataclass
class Line:
    """One ward, courier or day. `on_time` of `judged`: collections without a discharge date are not judged."""

    key: str
    collected: int = 0
    judged: int = 0
    on_time: int = 0
    backfilled: int = 0
    received: int = 0
    waiting: int = 0
    late: int = 0

    @property
    def rate(self) -> float | None:
        """Per cent in time; None when nothing was judged."""
        return None if self.judged == 0 else 100.0 * self.on_time / self.judged


@dataclass
class Figures:
    """`confirmed` False: a year of the span is not published, weekends alone were counted out."""

    first: date
    last: date
    total: Line
    wards: list[Line] = field(default_factory=list)
    couriers: list[Line] = field(default_factory=list)
    days: list[Line] = field(default_factory=list)
    confirmed: bool = True


class Statistics:
    """`age` and `taken` are the calendar's answers."""

    def __init__(
        self, desk: Desk, age: Callable[[str, str | None], Age], taken: Callable[[str, date, str | None], Age]
    ) -> None:
        self._desk = desk
        self._age = age
        self._taken = taken

    def span(self, first: str, last: str) -> tuple[date, date] | Refused:
        """The days asked for; the last 30 where none are named. Refused `statistics.days`."""
        today = self._desk.today()
        try:
            until = date.fromisoformat(last) if last else today
            since = date.fromisoformat(first) if first else until - timedelta(days=29)
        except ValueError:
            return Refused("statistics.days")
        if not (0 <= (until - since).days < DAYS_MAX and since.year >= 1970 and until.year <= 2099):
            return Refused("statistics.days")
        return since, until

    def figures(self, first: date, last: date) -> Figures:
        since, until = self._desk.midnight_ms(first), self._desk.midnight_ms(last + timedelta(days=1))
        with self._desk.store.read() as conn:
            taken = store.collected(conn, since, until)
            received = store.received(conn, since, until)
            waiting = store.waiting(conn)
        made = Figures(first, last, Line("total"))
        wards, couriers, days = _Lines(), _Lines(), _Lines()
        for one in taken:
            on = self._desk.local(one.collected_at).date()
            lines = (made.total, wards[one.ward or ""], couriers[one.collected_by or ""], days[on.isoformat()])
            age = self._taken(one.discharged_on, on, one.ward) if one.discharged_on else None
            for line in lines:
                line.collected += 1
                line.backfilled += one.how == "backfill"
                if age is not None:
                    line.judged += 1
                    line.on_time += not age.late
            made.confirmed = made.confirmed and (age is None or age.confirmed)
        for day, n in Counter(self._desk.local(at).date().isoformat() for at in received).items():
            days[day].received += n
            made.total.received += n
        for ward, on_, n in waiting:
            late = self._age(on_, ward).late
            for line in (made.total, wards[ward or ""]):
                line.waiting += n
                line.late += n if late else 0
        made.wards, made.couriers, made.days = wards.sorted(), couriers.sorted(), days.sorted()
        return made


class _Lines(dict[str, Line]):
    def __missing__(self, key: str) -> Line:
        self[key] = Line(key)
        return self[key]

    def sorted(self) -> list[Line]:
        return [self[key] for key in sorted(self)]
