"""Which of a stay's ADT events counts, however late, doubled or shuffled they come.

An interface engine sends again after a cut line and out of order after a restart. So nothing here depends on arrival:
an event is known by (sending application, MSH-10, event, event time), and a stay stands where its events lead when put
in the order in which they were recorded, ties by control id. A counter that a sender starts anew every day makes new
events, not replays, because the time differs.

| stands      | A01      | A02      | A03        | A13      | A11       |
|-------------|----------|----------|------------|----------|-----------|
| unknown     | in house | in house | discharged | unknown  | cancelled |
| in house    | in house | in house | discharged | in house | cancelled |
| discharged  | same     | same     | discharged | in house | cancelled |
| cancelled   | in house | same     | discharged | same     | cancelled |

A discharge is undone by A13 alone: an admission or transfer recorded after it is paperwork catching up, a real return
has a new stay number. A08 moves nobody. A40 is about record numbers, not stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, NamedTuple

from hub.features.imports.cells import Sex
from hub.features.imports.hl7_reader import AdtEvent, Event

State = Literal["unknown", "in_house", "discharged", "cancelled"]
ChangeKind = Literal[
    "admitted", "transferred", "discharged", "discharge_cancelled", "admission_cancelled", "updated", "record_merged"
]
CHANGE_OF: dict[Event, ChangeKind] = {
    "A01": "admitted", "A02": "transferred", "A03": "discharged", "A08": "updated",
    "A11": "admission_cancelled", "A13": "discharge_cancelled", "A40": "record_merged",
}  # fmt: skip
NEXT: dict[tuple[State, Event], State] = {
    ("unknown", "A01"): "in_house", ("in_house", "A01"): "in_house", ("cancelled", "A01"): "in_house",
    ("unknown", "A02"): "in_house", ("in_house", "A02"): "in_house",
    ("unknown", "A03"): "discharged", ("in_house", "A03"): "discharged",
    ("discharged", "A03"): "discharged", ("cancelled", "A03"): "discharged",
    ("discharged", "A13"): "in_house",
    ("unknown", "A11"): "cancelled", ("in_house", "A11"): "cancelled",
    ("discharged", "A11"): "cancelled", ("cancelled", "A11"): "cancelled",
}  # fmt: skip
"""A pair that is not here changes nothing but name and sex."""


class Identity(NamedTuple):
    """What makes two messages the same one."""

    sending_app: str
    control_id: str
    event: str
    event_at_ms: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a stay stands. `wards`: every ward in order of stay, the last one is where the record is due."""

    state: State = "unknown"
    wards: tuple[str, ...] = ()
    admitted_on: date | None = None
    discharged_on: date | None = None
    name: str = ""
    sex: Sex = "unknown"

    @property
    def ward(self) -> str | None:
        return self.wards[-1] if self.wards else None


@dataclass(frozen=True, slots=True)
class StayChange:
    """One thing to write down about a stay. It says nothing of what was known before, so order of writing is free.

    `control` (sending application and MSH-10) settles equal times. `record_merged` has `into_no` and no stay: then
    `record_no` is the number given up and `stay_no` is "".
    """

    kind: ChangeKind
    record_no: str
    stay_no: str
    event_at_ms: int
    control: str
    ward: str | None = None
    prior_ward: str | None = None
    admitted_on: date | None = None
    discharged_on: date | None = None
    name: str = ""
    sex: Sex = "unknown"
    into_no: str | None = None


def identity(event: AdtEvent) -> Identity:
    """The key to keep for telling replays."""
    return Identity(event.sending_app, event.control_id, event.event, event.event_at_ms)


def fresh(events: Iterable[AdtEvent], seen: Set[Identity]) -> list[AdtEvent]:
    """Those not seen before, each once, in the order in which they were recorded."""
    first = {identity(event): event for event in sorted(events, key=_order, reverse=True)}
    return sorted((event for key, event in first.items() if key not in seen), key=_order)


def changes(event: AdtEvent) -> tuple[StayChange, ...]:
    """What an event says, as values: one, or for A40 one per pair of record numbers."""
    kind, control = CHANGE_OF[event.event], f"{event.sending_app}/{event.control_id}"
    if event.event == "A40":
        return tuple(
            StayChange(kind, pair.from_no, "", event.event_at_ms, control, into_no=pair.into_no)
            for pair in event.merges
        )
    return (
        StayChange(
            kind,
            event.record_no,
            event.stay_no,
            event.event_at_ms,
            control,
            ward=event.ward,
            prior_ward=event.prior_ward,
            admitted_on=event.admitted_on,
            discharged_on=event.discharged_on,
            name=event.name,
            sex=event.sex,
        ),
    )


def standings(events: Iterable[AdtEvent]) -> dict[tuple[str, str], Standing]:
    """{(record no, stay no): where it stands}, the same for every order and every doubling of the same events."""
    stand: dict[tuple[str, str], Standing] = {}
    for event in fresh(events, frozenset()):
        if event.event != "A40":
            stay = event.record_no, event.stay_no
            stand[stay] = apply(stand.get(stay, Standing()), event)
    return stand


def apply(before: Standing, event: AdtEvent) -> Standing:
    """The next standing, given everything recorded earlier."""
    after = replace(
        before,
        name=event.name or before.name,
        sex=before.sex if event.sex == "unknown" else event.sex,
        admitted_on=event.admitted_on or before.admitted_on,
    )
    state = NEXT.get((before.state, event.event))
    if state is None:
        return after
    wards = before.wards
    if event.ward and event.ward != before.ward and state in ("in_house", "discharged"):
        wards = (*before.wards, event.ward)
    return replace(
        after, state=state, wards=wards, discharged_on=event.discharged_on if state == "discharged" else None
    )


def _order(event: AdtEvent) -> tuple[int, str, str, str, str]:
    return event.event_at_ms, event.control_id, event.sending_app, event.event, repr(event)
