"""Working days and on-time counts. Days of 2026 as published, everything else invented."""

from __future__ import annotations

import datetime

import pytest

from sync import catalog
from sync.adapters.calendar_seed import published_days
from sync.domain.calendar import facts
from sync.domain.calendar.fold import Year
from sync.domain.calendar.workdays import Calendar, WorkingDays, overdue
from sync.domain.tracking.statistics import Row, Tally, by_courier, by_day, by_ward, tally, tally_by
from sync.kernel.fact import Annotation, Fact, NewFact
from sync.kernel.ids import FactId


def folded(*told: NewFact) -> dict[int, Year]:
    years: dict[int, Year] = {}
    for at, new in enumerate(told, 1):
        fact = Fact(new.kind, 1, new.etype, new.key, new.body, hlc=at << 16)
        catalog.check_fact(fact, "hub")
        year = int(new.key)
        state = years.get(year, Year())
        years[year] = catalog.fold_fact(new.etype, state, fact, FactId("hub-dddddddd", 1, 2, at), Annotation(at, at))
    return years


def seeded(*more: NewFact) -> Calendar:
    days = published_days(2026)
    assert days is not None
    return Calendar(folded(facts.year_seeded(2026, days, "chinesecalendar", True), *more))


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


@pytest.mark.row("A13.3")
@pytest.mark.parametrize(
    ("discharged", "today", "days", "why"),
    [
        ("2026-11-17", "2026-11-17", 0, "the discharge day is day 0"),
        ("2026-11-17", "2026-11-18", 1, "a Wednesday"),
        ("2026-11-20", "2026-11-23", 1, "over a weekend"),
        ("2026-11-20", "2026-11-22", 0, "within a weekend"),
        ("2026-09-30", "2026-10-08", 1, "over the National Day week"),
        ("2026-10-09", "2026-10-10", 1, "a Saturday that is worked"),
        ("2026-11-17", "2026-11-10", 0, "a clock that was set back"),
    ],
)
def test_working_days(discharged: str, today: str, days: int, why: str) -> None:
    assert seeded().working_days_between(day(discharged), day(today)) == WorkingDays(days, True), why


@pytest.mark.row("A13.2")
def test_a_year_nobody_published_counts_plain_weeks_and_says_so() -> None:
    assert seeded().working_days_between(day("2026-12-31"), day("2027-01-04")) == WorkingDays(2, False)


@pytest.mark.row("A13.1")
def test_a_persons_day_stands_over_what_is_published_later() -> None:
    days = published_days(2026)
    assert days is not None
    calendar = Calendar(
        folded(facts.day_set("2026-11-18", False, "省里放假"), facts.year_seeded(2026, days, "chinesecalendar", True))
    )
    assert not calendar.is_working(day("2026-11-18"))
    assert calendar.working_days_between(day("2026-11-17"), day("2026-11-19")).days == 1


def test_the_sum_is_the_same_as_counting_day_by_day() -> None:
    calendar = seeded(facts.day_set("2026-02-28", False), facts.day_set("2026-03-01", True))
    first = day("2025-12-20")
    counted = 0
    for step in range(1, 500):
        on = first + datetime.timedelta(days=step)
        counted += calendar.is_working(on)
        assert calendar.working_days_between(first, on).days == counted, on


@pytest.mark.parametrize(("days", "late"), [(0, False), (2, False), (3, True)])
def test_the_limits_own_day_is_in_time(days: int, late: bool) -> None:
    assert overdue(days, facts.LIMIT_DAYS_DEFAULT) is late


ROWS = [
    Row("W12", "u-lin", day("2026-11-16"), day("2026-11-18")),
    Row("W12", "u-lin", day("2026-11-16"), day("2026-11-19")),
    Row("W12", None, day("2026-11-17"), None),
    Row("W07", None, day("2026-11-10"), None),
    Row("W07", "u-bao", None, day("2026-11-18")),
]


def counted(first: datetime.date, last: datetime.date) -> int:
    return seeded().working_days_between(first, last).days


@pytest.mark.row("A05.4")
def test_every_row_is_counted_once_and_waiting_does_not_touch_the_rate() -> None:
    got = tally(ROWS, counted, lambda ward: 2, day("2026-11-19"))
    assert got == Tally(on_time=1, late=1, waiting=1, overdue=1, undated=1)
    assert got.rate == pytest.approx(1 / 3) and got.collected == 2
    assert Tally(waiting=4).rate is None


@pytest.mark.row("A05.4")
def test_by_ward_courier_and_day() -> None:
    def made(key: object) -> dict[str, Tally]:
        return tally_by(ROWS, key, counted, lambda ward: 5 if ward == "W07" else 2, day("2026-11-19"))  # type: ignore[arg-type]

    assert made(by_ward)["W12"] == Tally(on_time=1, late=1, waiting=1)
    assert made(by_courier) == {"u-bao": Tally(undated=1), "u-lin": Tally(on_time=1, late=1)}
    assert list(made(by_day)) == ["2026-11-18", "2026-11-19"]
