"""Looking records up, and the acts that belong to the hub: naming, sealing, settling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

from hub.features.records import changes, store
from hub.features.records.changes import Entry
from hub.features.records.store import Merges, Question, RecordRow, Wanted
from hub.store.desk import Desk
from sync.domain.patients import decide as due_lines
from sync.domain.patients.due import Due
from sync.domain.patients.facts import DUE
from sync.domain.tracking import decide, words
from sync.domain.tracking.facts import STAY
from sync.domain.tracking.state import Stay
from sync.kernel.outcome import Refused

REASON_CHARS_MAX = 200
NOTE_CHARS_MAX = 400
STATES = ("discharged", "collected", "received", "in_house", "cancelled", "unheard")


class Age(Protocol):
    """Working days since a discharge, by the hospital's calendar."""

    @property
    def days(self) -> int: ...
    @property
    def limit(self) -> int: ...
    @property
    def late(self) -> bool: ...
    @property
    def confirmed(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Calendar:
    """What the calendar feature answers: an age today, at a day, and the last day in time."""

    age: Callable[[str, str | None], Age]
    taken: Callable[[str, date, str | None], Age]
    due_by: Callable[[str, str | None], date]


@dataclass(frozen=True, slots=True)
class WardLine:
    """A ward on the board: how many wait, how many of them late, the oldest."""

    ward: str
    waiting: int
    late: int
    oldest_days: int


@dataclass(frozen=True, slots=True)
class Board:
    counts: dict[str, int]
    waiting: int
    late: int
    questions: int
    wards: list[WardLine]
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Station:
    """One stop of a record. `state`: done, late, now, todo. `by`: the day it should be done by."""

    name: str
    at_ms: int | None
    known_ms: int | None
    state: str
    by: date | None = None
    day_only: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """All of one record's page."""

    row: RecordRow
    stay: Stay
    due: Due
    stations: list[Station]
    log: list[Entry]
    age: Age | None
    questions: list[Question]
    merges: Merges


class Records:
    """`initials` reads a name in pinyin; another feature's function, handed over by boot."""

    def __init__(self, desk: Desk, calendar: Calendar, initials: Callable[[str], str]) -> None:
        self._desk = desk
        self._calendar = calendar
        self._initials = initials

    def board(self) -> Board:
        with self._desk.store.read() as conn:
            counts, lines = store.counts(conn), store.waiting(conn)
            questions = store.open_questions(conn)
        wards: dict[str, list[int]] = {}
        confirmed = True
        for ward, on, n in lines:
            age = self._calendar.age(on, ward or None)
            line = wards.setdefault(ward, [0, 0, 0])
            line[0] += n
            line[1] += n if age.late else 0
            line[2] = max(line[2], age.days)
            confirmed = confirmed and age.confirmed
        found = [WardLine(ward, *line) for ward, line in sorted(wards.items())]
        waiting, late = sum(one.waiting for one in found), sum(one.late for one in found)
        return Board(counts, waiting, late, questions, found, confirmed)

    def questions_count(self) -> int:
        with self._desk.store.read() as conn:
            return store.open_questions(conn)

    def find(self, wanted: Wanted) -> tuple[list[tuple[RecordRow, Age | None]], int]:
        with self._desk.store.read() as conn:
            last_late: dict[str, str] = {}
            for ward, on, _ in store.waiting(conn) if wanted.late else ():
                if self._calendar.age(on, ward or None).late:
                    last_late[ward] = max(on, last_late.get(ward, ""))
            rows, total = store.find(conn, wanted, last_late)
        return [(row, self.age(row)) for row in rows], total

    def age(self, row: RecordRow) -> Age | None:
        """How long a record waited or waits; None where no discharge date is known."""
        if row.discharged_on is None:
            return None
        if row.state == "discharged":
            return self._calendar.age(row.discharged_on, row.ward)
        if row.collected_at is not None:
            return self._calendar.taken(row.discharged_on, self._desk.local(row.collected_at).date(), row.ward)
        return None

    def record(self, opaque: str) -> Record | None:
        store_ = self._desk.store
        with store_.read() as conn:
            row = store.by_opaque(conn, opaque)
            if row is None:
                return None
            questions = [one for one in self._all_questions(conn) if one.record.key == row.key]
        stay, due = store_.state(STAY, row.key) or Stay(), store_.state(DUE, row.key) or Due()
        rounds = tuple(dict.fromkeys(one.round for one in stay.collections))
        with store_.read() as conn:
            log = changes.entries(conn, row.key, rounds)
            merges = store.merges(conn, row.record_no)
        return Record(row, stay, due, self._stations(row, log), log, self.age(row), questions, merges)

    @staticmethod
    def _all_questions(conn: object) -> list[Question]:
        return [*store.questions(conn, still_open=True), *store.questions(conn, still_open=False)]

    def _stations(self, row: RecordRow, log: list[Entry]) -> list[Station]:
        steps = (
            ("discharged", (42,), row.standing == "discharged"),
            ("listed", (60, 64), row.line != "none"),
            ("collected", (50,), row.collected_at is not None),
            ("received", (53,), row.received_at is not None),
            ("labelled", (58,), row.labels > 0),
        )
        found: list[Station] = []
        for name, kinds, reached in steps:
            entry = next((one for one in reversed(log) if one.kind in kinds), None) if reached else None
            if name == "collected" and reached:
                entry = next((one for one in log if one.kind == 50 and one.at_ms == row.collected_at), entry)
            if entry is None:
                by = None
                if name == "collected" and row.discharged_on and row.state == "discharged":
                    by = self._calendar.due_by(row.discharged_on, row.ward)
                found.append(Station(name, None, None, "todo", by))
            else:
                state = "late" if entry.late else "done"
                found.append(Station(name, entry.at_ms, entry.known_ms, state, None, entry.day_only))
        last = max((at for at, one in enumerate(found) if one.state != "todo"), default=None)
        if last is not None and found[last].state == "done":
            found[last] = replace(found[last], state="now")
        return found

    def name_of(self, opaque: str, actor: str) -> str | Refused:
        """The full name, told once with an audit line. Refused `record.gone`."""
        with self._desk.store.read() as conn:
            row = store.by_opaque(conn, opaque)
        if row is None:
            return Refused("record.gone")
        with self._desk.write(actor) as unit:
            self._desk.note(unit, "record.name", etype=DUE, key=row.key)
        return row.name

    def seal(self, opaque: str, on: bool, reason: str, actor: str) -> Refused | None:
        """Refused `record.gone`, `seal.reason`, `text.too-long`."""
        if len(reason) > REASON_CHARS_MAX or not reason.isprintable():
            return Refused("text.too-long", {"limit": REASON_CHARS_MAX})
        with self._desk.store.read() as conn:
            row = store.by_opaque(conn, opaque)
        if row is None:
            return Refused("record.gone")
        with self._desk.write(actor) as unit:
            decision = decide.seal(row.key, unit.state(STAY, row.key) or Stay(), on, reason.strip())
            if isinstance(decision, Refused):
                return decision
            for fact in decision:
                unit.append(fact)
            if decision:
                self._desk.note(unit, "record.seal" if on else "record.unseal", etype=STAY, key=row.key)
        self._desk.settle()
        return None

    def questions(self, *, still_open: bool) -> list[Question]:
        with self._desk.store.read() as conn:
            return store.questions(conn, still_open=still_open)

    def question(self, name: str) -> tuple[Question, Stay, Due] | None:
        with self._desk.store.read() as conn:
            asked = store.question(conn, name)
        if asked is None:
            return None
        key = asked.record.key
        return asked, self._desk.store.state(STAY, key) or Stay(), self._desk.store.state(DUE, key) or Due()

    def outcomes(self, asked: Question, due: Due) -> tuple[str, ...]:
        """What a person may say. For two spellings: `name:0`, `name:1`, …"""
        if asked.code == "name.differs":
            return tuple(f"name:{at}" for at in range(len(due.names)))
        return words.OUTCOMES.get(asked.code, ())

    def settle(self, name: str, outcome: str, note: str, actor: str) -> Refused | None:
        """Refused `anomaly.gone`, `anomaly.settled`, `anomaly.outcome`, `text.too-long`."""
        if len(note) > NOTE_CHARS_MAX or not note.isprintable():
            return Refused("text.too-long", {"limit": NOTE_CHARS_MAX})
        found = self.question(name)
        if found is None:
            return Refused("anomaly.gone")
        asked, _, due = found
        key = asked.record.key
        with self._desk.write(actor) as unit:
            if asked.code == "name.differs":
                if outcome not in self.outcomes(asked, due):
                    return Refused("anomaly.outcome")
                chosen = due.names[int(outcome.partition(":")[2])]
                decision = due_lines.relist(key, due, chosen, self._initials(chosen))
            else:
                stay = unit.state(STAY, key) or Stay()
                decision = decide.settle(key, stay, name, outcome, note.strip() or None)
            if isinstance(decision, Refused):
                return decision
            for fact in decision:
                unit.append(fact)
            self._desk.note(unit, "anomaly.settled", etype=STAY, key=key, detail=f"{asked.code} {outcome}"[:200])
        self._desk.settle()
        return None
