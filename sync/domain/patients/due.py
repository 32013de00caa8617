"""A due entry: the line of the ward's list with the patient's name.

The machine is about the line, not about the paper: a record that a courier carries is still open here and leaves the
list by its stay's state; the line closes when the records room has it. `none` is an entry that nobody listed yet.
Lists come again every day, so listing a closed line changes nothing; only a relisting, which somebody meant, opens it
once more (a reception that was undone). The name is under the law `review`: two lists that spell it differently are
both kept, and a person's relisting settles it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sync.domain.patients import facts
from sync.kernel.fact import Annotation, Fact
from sync.kernel.ids import FactId
from sync.merge import review
from sync.merge.machine import Table, next_state

NONE, OPEN, WITHDRAWN, CLOSED = "none", "open", "withdrawn", "closed"
NAME_DIFFERS: Final = "name.differs"
ROOM: Final = "room:records"

DUE_MACHINE: Final[Table] = {
    (NONE, "listed"): OPEN,
    (NONE, "relisted"): OPEN,
    (NONE, "withdrawn"): WITHDRAWN,
    (NONE, "closed"): CLOSED,
    (OPEN, "withdrawn"): WITHDRAWN,
    (OPEN, "closed"): CLOSED,
    (WITHDRAWN, "listed"): OPEN,
    (WITHDRAWN, "relisted"): OPEN,
    (WITHDRAWN, "closed"): CLOSED,
    (CLOSED, "relisted"): OPEN,
}
_WORDS: Final = {
    facts.LISTED: "listed",
    facts.WITHDRAWN: "withdrawn",
    facts.CLOSED: "closed",
    facts.RELISTED: "relisted",
}


@dataclass(slots=True)
class Due:
    """A value. `names` holds every spelling that stands; more than one is a question for a person."""

    status: str = NONE
    names: review.Held = ()
    sex: str = "U"
    ward: str | None = None
    discharged_on: str | None = None
    record_no: str = ""
    stay_no: str = ""
    initials: str = ""
    extra: dict[int, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The spelling to show first."""
        return review.shown(self.names)

    @property
    def anomalies(self) -> tuple[str, ...]:
        """Codes of open questions: `name.differs`."""
        return (NAME_DIFFERS,) if review.differs(self.names) else ()


def fold(due: Due, fact: Fact, fid: FactId, ann: Annotation) -> Due:
    """What the list says now."""
    word = _WORDS.get(fact.kind)
    if word is None:
        return due
    status = next_state(DUE_MACHINE, due.status, word)
    if fact.kind not in (facts.LISTED, facts.RELISTED):
        return replace(due, status=status)
    body = fact.body
    names = review.write(due.names, body[1], settles=fact.kind == facts.RELISTED)
    return Due(status, names, body[2], body[3], body[4], body[5], body[6], body[7], due.extra)


def place(due: Due) -> frozenset[str]:
    """The ward's feed and the records room while it is open, afterwards the room alone."""
    if due.status == OPEN and due.ward is not None:
        return frozenset({f"ward:{due.ward}", ROOM})
    return frozenset() if due.status == NONE else frozenset({ROOM})


_PLAIN: Final = ("status", "sex", "ward", "discharged_on", "record_no", "stay_no", "initials")


def dump(due: Due) -> dict[int, Any]:
    """Numbered map."""
    made = {number: value for number, name in enumerate(_PLAIN, 1) if (value := getattr(due, name)) is not None}
    made[8] = list(due.names)
    return made | due.extra


def line_of(kept: Mapping[int, Any]) -> tuple[str, str | None, str | None, str | None, str, bool]:
    """(name to show, sex, ward, day of discharge, initials, still open) of a dumped entry.

    Straight from the numbered map: a ward begins with tens of thousands of them.
    """
    get = kept.get
    return (review.shown(get(8, ())), get(2, "U"), get(3), get(4), get(7, ""), get(1, NONE) == OPEN)


def load(kept: Mapping[int, Any]) -> Due:
    """Back."""
    get = kept.get
    extra = {number: value for number, value in kept.items() if number > 8} if max(kept, default=0) > 8 else {}
    return Due(get(1, NONE), tuple(get(8, ())), get(2, "U"), get(3), get(4), get(5, ""), get(6, ""), get(7, ""), extra)
