"""What a line of a list or an ADT message changes, given where the stay and its due line stand: facts, or none.

A list has no event time. Its word counts from the midnight of the discharge date, so that a cancellation which the
hospital sent that day stays above it however often the same list comes; a corrected list counts a millisecond after
the line it corrects. The same line again changes nothing.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable
from datetime import date

from hub.features.imports.ordering import StayChange
from hub.features.imports.rows import DischargeRow
from sync.adapters.pinyin_initials import initials
from sync.domain.patients import decide as due_lines
from sync.domain.patients.due import OPEN, Due
from sync.domain.tracking import decide, facts
from sync.domain.tracking.standing import Standing, stand
from sync.domain.tracking.state import DISCHARGED, RECEIVED, AdminEvent, Stay
from sync.kernel.fact import NewFact

LIST_CONTROL = "list"


def from_row(row: DischargeRow, stay: Stay, due: Due, midnight_ms: Callable[[date], int]) -> list[NewFact]:
    """A discharge as a list tells it."""
    key = facts.stay_key(row.record_no, row.stay_no)
    on = row.discharged_on.isoformat()
    new: list[NewFact] = []
    listed = [event for event in stay.events if event.control == LIST_CONTROL]
    if row.admitted_on is not None and not any(event.kind == facts.OPENED for event in stay.events):
        # Before the discharge even where both are on one day and nothing tells their hours.
        at = min(midnight_ms(row.admitted_on), midnight_ms(row.discharged_on) - 1)
        new.append(
            facts.opened(
                key, ward=row.ward, admitted_on=row.admitted_on.isoformat(), event_at_ms=at, control=LIST_CONTROL
            )
        )
    said = [event for event in listed if event.kind == facts.DISCHARGED]
    if not said or (said[-1].ward, said[-1].on) != (row.ward, on):
        at = midnight_ms(row.discharged_on)
        if said:
            at = max(at, said[-1].event_at_ms + 1)
        new.append(facts.discharged(key, ward=row.ward, discharged_on=on, event_at_ms=at, control=LIST_CONTROL))
    return [*new, *_line(key, stay, new, due, row.name, row.sex)]


def from_change(change: StayChange, stay: Stay, due: Due) -> list[NewFact]:
    """What an ADT message says of one stay, or of one merged number."""
    at, control = change.event_at_ms, change.control
    if change.kind == "record_merged":
        assert change.into_no is not None
        return [facts.number_merged(change.record_no, change.into_no, event_at_ms=at, control=control)]
    key = facts.stay_key(change.record_no, change.stay_no)
    if change.kind == "updated":
        return _renamed(key, due, change)
    ward = change.ward or ""
    admitted_on = change.admitted_on.isoformat() if change.admitted_on else None
    match change.kind:
        case "admitted":
            said = facts.opened(key, ward=ward, admitted_on=admitted_on, event_at_ms=at, control=control)
        case "transferred":
            said = facts.moved(key, ward=ward, event_at_ms=at, control=control)
        case "discharged":
            assert change.discharged_on is not None
            on = change.discharged_on.isoformat()
            said = facts.discharged(key, ward=ward, discharged_on=on, event_at_ms=at, control=control)
        case "discharge_cancelled":
            said = facts.discharge_cancelled(key, event_at_ms=at, control=control)
        case "admission_cancelled":
            said = facts.admission_cancelled(key, event_at_ms=at, control=control)
    new = decide.administrative(stay, said)
    return [*new, *_line(key, stay, new, due, change.name, change.sex)]


def _line(key: str, stay: Stay, new: list[NewFact], due: Due, name: str, sex: str) -> list[NewFact]:
    """The due line after these facts."""
    standing = _stands(stay, new)
    if stay.state == RECEIVED:
        return []
    if standing.standing != DISCHARGED or standing.ward is None or standing.discharged_on is None:
        return due_lines.withdraw(key, due)
    if not name:
        return []
    return due_lines.list_due(
        key, due, name=name, sex=sex, ward=standing.ward, discharged_on=standing.discharged_on, initials=initials(name)
    )


def _renamed(key: str, due: Due, change: StayChange) -> list[NewFact]:
    if due.status != OPEN or not change.name or due.ward is None or due.discharged_on is None:
        return []
    sex = change.sex if change.sex != "U" else due.sex
    return due_lines.list_due(
        key, due, name=change.name, sex=sex, ward=due.ward, discharged_on=due.discharged_on,
        initials=initials(change.name),
    )  # fmt: skip


def _stands(stay: Stay, new: list[NewFact]) -> Standing:
    events = list(stay.events)
    for fact in new:
        ward, on = "", ""
        if fact.kind == facts.OPENED:
            ward, on = fact.body[3], fact.body.get(4) or ""
        elif fact.kind == facts.MOVED:
            ward = fact.body[1]
        elif fact.kind == facts.DISCHARGED:
            ward, on = fact.body[1], fact.body[2]
        event = AdminEvent(fact.body[8], fact.body[9], fact.kind, ward, on)
        if event not in events:
            insort(events, event)
    return stand(tuple(events))
