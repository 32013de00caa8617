"""The state of a stay: what is kept (facts' own words) and what follows from it.

A stay's custody has two independent halves. The hospital's system says where the patient is (*standing*, a table in
`standing.py`); people say who has the paper (collections and receptions, each a list in which one act stands once).
Nobody writes the word that screens show: it follows, and anomalies follow too, so a late fact corrects them by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from sync.domain.tracking import words
from sync.kernel.ids import FactId

UNHEARD, IN_HOUSE, DISCHARGED, CANCELLED = "unheard", "in_house", "discharged", "cancelled"
COLLECTED, RECEIVED = "collected", "received"


class AdminEvent(NamedTuple):
    """One message of the hospital's system. `on` is the admission or discharge date; "" where none was told."""

    event_at_ms: int
    control: str
    kind: int
    ward: str
    on: str


class Collection(NamedTuple):
    """One taking of the record from a ward.

    `fact` is the original's id once that is here, else the id of the fact that rebuilt it; `also` are further facts
    that tell of the same act. `at_ms` is the person's claim. `seal_stood`: the seal was on when this was written.
    """

    fact: FactId
    who: str
    node: str
    round: str
    ward: str
    at_ms: int
    how: str
    verdict: str
    reason: str | None
    rebuilt_from: FactId | None
    pending: bool
    seal_stood: bool
    also: tuple[FactId, ...] = ()
    undone: bool = False
    corrected_to: str | None = None

    @property
    def identity(self) -> FactId:
        """The act itself: the original's fact id, whether the original is here or not."""
        return self.rebuilt_from or self.fact

    @property
    def counts(self) -> bool:
        """Neither undone nor corrected away."""
        return not self.undone and self.corrected_to is None


class Reception(NamedTuple):
    """One taking in at the records room."""

    fact: FactId
    handin: str
    how: str
    who: str
    node: str
    at_ms: int
    pending: bool
    undone: bool = False


class Missed(NamedTuple):
    """The room closed a hand-in without it."""

    fact: FactId
    handin: str
    at_ms: int


class Printed(NamedTuple):
    """One cover label."""

    fact: FactId
    job: str
    copy_no: int
    at_ms: int


class Settlement(NamedTuple):
    """What a person said to an anomaly."""

    fact: FactId
    code: str
    anomaly: str
    outcome: str
    note: str | None
    who: str
    at_ms: int


class Anomaly(NamedTuple):
    """A question for a person. The id is drawn from the facts it is about: more facts make a new question."""

    id: str
    code: str
    facts: tuple[FactId, ...]
    at_ms: int
    settled: str | None

    @property
    def open(self) -> bool:
        """Nobody has settled it; a search that goes on settles nothing."""
        return self.settled is None or self.settled == words.SEARCHING


@dataclass(slots=True)
class Stay:
    """A value: fold makes new ones and changes none.

    The first block is kept (`dump`), the second follows from it (`follow.follow`).
    """

    record_no: str = ""
    stay_no: str = ""
    events: tuple[AdminEvent, ...] = ()
    sealed: bool = False
    seal_reason: str | None = None
    collections: tuple[Collection, ...] = ()
    undone: tuple[FactId, ...] = ()
    corrections: tuple[tuple[FactId, str], ...] = ()
    reasons: tuple[tuple[FactId, str], ...] = ()
    receptions: tuple[Reception, ...] = ()
    misses: tuple[Missed, ...] = ()
    labels: tuple[Printed, ...] = ()
    settlements: tuple[Settlement, ...] = ()
    extra: dict[int, Any] = field(default_factory=dict)

    standing: str = UNHEARD
    ward: str | None = None
    admitted_on: str | None = None
    discharged_on: str | None = None
    anomalies: tuple[Anomaly, ...] = ()

    @property
    def state(self) -> str:
        """The one word: received, collected, else the standing."""
        if any(not reception.undone for reception in self.receptions):
            return RECEIVED
        if any(collection.counts for collection in self.collections):
            return COLLECTED
        return self.standing

    @property
    def has_open_anomaly(self) -> bool:
        """Whether a person has to look."""
        return any(anomaly.open for anomaly in self.anomalies)

    @property
    def collection(self) -> Collection | None:
        """The collection that stands: the one a person kept, else the earliest that counts."""
        counting = sorted((one for one in self.collections if one.counts), key=lambda one: (one.at_ms, one.identity))
        if not counting:
            return None
        kept = next((one.settled for one in self.anomalies if one.code == words.COLLECTED_TWICE), None)
        if kept == "kept-second":
            first = counting[0]
            return next((one for one in counting if one.who != first.who), first)
        return counting[0]

    @property
    def reception(self) -> Reception | None:
        """The first reception that stands."""
        return next((one for one in self.receptions if not one.undone), None)


def changed(stay: Stay, **fields: Any) -> Stay:
    """A copy with other fields."""
    return replace(stay, **fields)
