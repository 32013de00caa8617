"""Counting working days for everyone at the hub, and setting days and limits."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from hub.features.calendar import store
from hub.features.calendar.store import WardRow
from hub.store.desk import Desk
from sync.adapters.calendar_seed import SOURCE, published_days
from sync.adapters.sqlite_log.node_store import Change
from sync.domain.calendar import facts
from sync.domain.calendar.fold import Year
from sync.domain.calendar.workdays import Calendar, overdue
from sync.kernel.outcome import Refused

YEARS_AHEAD = 1
LIMIT_DAYS_MAX = 30
SEARCH_DAYS_MAX = 120
WARD = re.compile(r"[A-Za-z0-9._-]{1,20}")


@dataclass(frozen=True, slots=True)
class Age:
    """How long a record has waited, in working days, and whether the calendar behind it was published."""

    days: int
    limit: int
    late: bool
    confirmed: bool


class Calendars:
    """Keeps the folded years in memory until one changes."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = threading.Lock()
        self._held: tuple[Calendar, dict[int, Year], dict[str, WardRow]] | None = None
        desk.store.listen(self._changed)

    def _changed(self, changes: Sequence[Change]) -> None:
        if any(change.etype in (facts.CALENDAR, facts.WARD) for change in changes):
            with self._lock:
                self._held = None

    def _now(self) -> tuple[Calendar, dict[int, Year], dict[str, WardRow]]:
        with self._lock:
            if self._held is None:
                with self._desk.store.read() as conn:
                    years = store.years(conn)
                    wards = {row.code: row for row in store.wards(conn)}
                self._held = (Calendar(years), years, wards)
            return self._held

    def seed(self) -> None:
        """At start: this year, the last and the next, as far as they are published and not known already."""
        year = self._desk.today().year
        _, known, _ = self._now()
        new = []
        for one in range(year - 1, year + YEARS_AHEAD + 1):
            if not 1970 <= one <= 2099 or (one in known and known[one].confirmed):
                continue
            days = published_days(one)
            if days is not None:
                new.append(facts.year_seeded(one, days, SOURCE, True))
        if new:
            with self._desk.write(None) as unit:
                for fact in new:
                    unit.append(fact)

    def age(self, discharged_on: str, ward: str | None) -> Age:
        calendar, _, _ = self._now()
        told = calendar.working_days_between(date.fromisoformat(discharged_on), self._desk.today())
        limit = self.limit(ward)
        return Age(told.days, limit, overdue(told.days, limit), told.confirmed)

    def taken(self, discharged_on: str, on: date, ward: str | None) -> Age:
        """The same for a record that was collected on a day."""
        calendar, _, _ = self._now()
        told = calendar.working_days_between(date.fromisoformat(discharged_on), on)
        limit = self.limit(ward)
        return Age(told.days, limit, overdue(told.days, limit), told.confirmed)

    def due_by(self, discharged_on: str, ward: str | None) -> date:
        """The last day in time."""
        calendar, _, _ = self._now()
        first = date.fromisoformat(discharged_on)
        limit, on = self.limit(ward), first
        for _ in range(SEARCH_DAYS_MAX):
            following = on + timedelta(days=1)
            if calendar.working_days_between(first, following).days > limit:
                break
            on = following
        return on

    def limit(self, ward: str | None) -> int:
        _, _, wards = self._now()
        held = wards.get(ward or "")
        return facts.LIMIT_DAYS_DEFAULT if held is None else held.limit_days

    def wards(self) -> dict[str, WardRow]:
        return self._now()[2]

    def year(self, year: int) -> tuple[Year | None, Calendar]:
        calendar, years, _ = self._now()
        return years.get(year), calendar

    def set_day(self, on: str, working: bool, note: str, actor: str) -> Refused | None:
        """Refused `calendar.day`, `calendar.note`."""
        try:
            day = date.fromisoformat(on)
        except ValueError:
            return Refused("calendar.day")
        if not 1970 <= day.year <= 2099 or len(on) != 10:
            return Refused("calendar.day")
        if len(note) > 200 or not note.isprintable():
            return Refused("calendar.note")
        with self._desk.write(actor) as unit:
            unit.append(facts.day_set(on, working, note.strip()))
            self._desk.note(unit, "calendar.day-set", etype=facts.CALENDAR, key=on[:4], detail=f"{on} {working:d}")
        self._desk.settle()
        return None

    def set_ward(self, code: str, name_zh: str, name_en: str, limit_days: int, actor: str) -> Refused | None:
        """Refused `ward.code`, `ward.name`, `ward.limit`."""
        if not WARD.fullmatch(code):
            return Refused("ward.code")
        if not 1 <= len(name_zh.strip()) <= 40 or len(name_en) > 60 or not (name_zh + name_en).isprintable():
            return Refused("ward.name")
        if not 0 <= limit_days <= LIMIT_DAYS_MAX:
            return Refused("ward.limit", {"most": LIMIT_DAYS_MAX})
        with self._desk.write(actor) as unit:
            unit.append(facts.configured(code, name_zh.strip(), name_en.strip() or None, limit_days))
            self._desk.note(unit, "ward.configured", etype=facts.WARD, key=code, detail=f"{code} {limit_days}")
        self._desk.settle()
        return None
