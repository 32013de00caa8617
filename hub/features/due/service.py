"""What a fact of a stay changes on the due list. Runs in the digest's own transaction, after each fact.

A line opens only where a name came with it (lists and discharge messages, in imports); from then on the stay leads.
Facts may be digested in runs before the line's own answer is, so writing the same answer twice is possible and folds
to the same state.
"""

from __future__ import annotations

from typing import Any

from sync.adapters.sqlite_log.node_store import Change, Unit
from sync.domain.patients import decide
from sync.domain.patients import facts as lines
from sync.domain.patients.due import CLOSED, OPEN, WITHDRAWN, Due
from sync.domain.tracking import facts as stays
from sync.domain.tracking.state import CANCELLED, DISCHARGED, IN_HOUSE, RECEIVED, Stay
from sync.kernel.fact import NewFact

_LEADS = frozenset(
    {
        stays.OPENED,
        stays.MOVED,
        stays.DISCHARGED,
        stays.DISCHARGE_CANCELLED,
        stays.ADMISSION_CANCELLED,
        stays.RECEIVED,
        stays.RECEPTION_UNDONE,
        lines.LISTED,
        lines.RELISTED,
    }
)


def follow(unit: Unit, change: Change, _state: Any) -> None:
    """The digest's `Follow`."""
    if change.fact is None or change.fact.kind not in _LEADS:
        return
    key = str(change.key)
    due = unit.state(lines.DUE, key)
    if due is None:
        return
    stay = unit.state(stays.STAY, key) or Stay()
    for new in answers(key, stay, due, undone=change.fact.kind == stays.RECEPTION_UNDONE):
        unit.append(new)


def answers(key: str, stay: Stay, due: Due, *, undone: bool = False) -> list[NewFact]:
    """The facts that bring the line in step with the stay; none when it is."""
    if stay.state == RECEIVED:
        return decide.close(key, due)
    if due.status == CLOSED:
        return [_again(key, stay, due, settles=True)] if undone and len(due.names) == 1 else []
    if stay.standing in (IN_HOUSE, CANCELLED):
        return decide.withdraw(key, due)
    if stay.standing != DISCHARGED or stay.ward is None or stay.discharged_on is None:
        return []
    moved = (due.ward, due.discharged_on) != (stay.ward, stay.discharged_on)
    if due.name and (due.status == WITHDRAWN or (due.status == OPEN and moved)):
        return [_again(key, stay, due, settles=False)]
    return []


def _again(key: str, stay: Stay, due: Due, *, settles: bool) -> NewFact:
    ward, on = stay.ward or due.ward, stay.discharged_on or due.discharged_on
    assert ward is not None and on is not None
    return lines.listed(
        key, name=due.name, sex=due.sex, ward=ward, discharged_on=on, initials=due.initials, settles=settles
    )
