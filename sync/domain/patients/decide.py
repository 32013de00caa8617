"""What a list or a message changes on the due list, and the check of a number typed by hand."""

from __future__ import annotations

from sync.domain.patients import facts
from sync.domain.patients.due import CLOSED, NONE, OPEN, WITHDRAWN, Due
from sync.kernel.fact import NewFact
from sync.kernel.outcome import Refused
from sync.merge.shape import tidy


def list_due(key: str, due: Due, *, name: str, sex: str, ward: str, discharged_on: str, initials: str) -> list[NewFact]:
    """The line as the hospital's list has it; nothing when it says what stands already, or when the line is closed."""
    name = tidy(name)
    same = (due.sex, due.ward, due.discharged_on) == (sex, ward, discharged_on) and name in due.names
    if due.status == CLOSED or (due.status == OPEN and same):
        return []
    return [facts.listed(key, name=name, sex=sex, ward=ward, discharged_on=discharged_on, initials=initials)]


def relist(key: str, due: Due, name: str, initials: str) -> list[NewFact] | Refused:
    """A person says which name is right, or opens a closed line again. Refused `due.gone`, `due.name`."""
    if due.status == NONE or due.ward is None or due.discharged_on is None:
        return Refused("due.gone")
    name = tidy(name)
    if not name:
        return Refused("due.name")
    if due.status == OPEN and due.names == (name,):
        return []
    return [
        facts.listed(
            key,
            name=name,
            sex=due.sex,
            ward=due.ward,
            discharged_on=due.discharged_on,
            initials=initials,
            settles=True,
        )
    ]


def withdraw(key: str, due: Due) -> list[NewFact]:
    """The discharge was cancelled."""
    return [facts.withdrawn(key)] if due.status == OPEN else []


def close(key: str, due: Due) -> list[NewFact]:
    """The records room has it."""
    return [facts.closed(key)] if due.status in (OPEN, WITHDRAWN) else []


def check_hand_entry(typed_initials: str, known_initials: str | None) -> Refused | None:
    """A number typed by hand is confirmed with the initials of the name on the cover.

    `known_initials` None: no list names this stay here, so the number stands by itself and is judged unknown.
    Refused `hand.initials-missing`, `hand.initials-differ`. Case and spaces do not count.
    """
    typed = "".join(typed_initials.split()).upper()
    if known_initials is None:
        return None
    if not typed:
        return Refused("hand.initials-missing")
    return None if typed == "".join(known_initials.split()).upper() else Refused("hand.initials-differ")
