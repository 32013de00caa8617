"""What waits on the wards: working days since the discharge, what is overdue, and how old the list is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from appliance.features.collecting import store as rounds
from appliance.features.collecting.store import DueRow
from appliance.store.site import WardRow, calendar_for, ward
from sync.adapters.sqlite_log.node_store import NodeStore
from sync.domain.calendar.workdays import Calendar, overdue


@dataclass(frozen=True, slots=True)
class DueRecord:
    """One record that waits. `days`: working days after the discharge; `late`: past the ward's limit."""

    row: DueRow
    days: int
    late: bool


@dataclass(frozen=True, slots=True)
class WardDue:
    """One ward's list. `as_of_ms` None: it never reached this box. `confirmed`: the calendar's years were published."""

    ward: WardRow
    records: tuple[DueRecord, ...]
    as_of_ms: int | None
    confirmed: bool

    @property
    def late(self) -> int:
        return sum(1 for record in self.records if record.late)


class DueLists:
    """Answers of this box alone; `zone` is the site's, whose civil dates count."""

    def __init__(self, store: NodeStore, zone: str) -> None:
        self._store = store
        self._zone = ZoneInfo(zone)

    def today(self) -> date:
        return datetime.fromtimestamp(self._store.clock.wall_ms() / 1000, UTC).astimezone(self._zone).date()

    def day_start_ms(self) -> int:
        """The first instant of today, for lists of today."""
        start = datetime.combine(self.today(), datetime.min.time(), self._zone)
        return int(start.timestamp() * 1000)

    def days_since(self, discharged_on: str) -> int:
        """Working days after a discharge up to today."""
        today = self.today()
        calendar = calendar_for(self._store, today)
        return calendar.working_days_between(date.fromisoformat(discharged_on), today).days

    def wards(self) -> list[WardDue]:
        """Every ward whose list this box carries, by code."""
        with self._store.read() as conn:
            codes = rounds.wards_carried(conn)
        calendar = calendar_for(self._store, self.today())
        return [self._ward(code, calendar) for code in codes]

    def carries(self, code: str) -> bool:
        """Whether the ward's list has ever reached this box."""
        with self._store.read() as conn:
            return rounds.list_as_of_ms(conn, code) is not None

    def ward(self, code: str) -> WardDue:
        """One ward's list, longest waiting first."""
        return self._ward(code, calendar_for(self._store, self.today()))

    def ward_of(self, code: str) -> WardRow:
        """A ward's names alone."""
        with self._store.read() as conn:
            return ward(conn, code)

    def _ward(self, code: str, calendar: Calendar) -> WardDue:
        today = self.today()
        with self._store.read() as conn:
            told = ward(conn, code)
            rows = rounds.due_on(conn, code)
            as_of_ms = rounds.list_as_of_ms(conn, code)
        records, confirmed = [], calendar.confirmed(today, today)
        for row in rows:
            counted = calendar.working_days_between(date.fromisoformat(row.discharged_on), today)
            confirmed = confirmed and counted.confirmed
            records.append(DueRecord(row, counted.days, overdue(counted.days, told.limit_days)))
        return WardDue(told, tuple(records), as_of_ms, confirmed)
