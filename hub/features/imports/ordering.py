"""Which of a stay's ADT events counts, however late, doubled or shuffled they come.

An interface engine sends again after a cut line and out of order after a restart. So nothing here depends on arrival:
an event is known by (sending application, MSH-10, event, event time), and what it says about a stay says nothing of
what was known before. Where the stay then stands is the domain's table (`sync.domain.tracking.standing`), which plays
what was said in the order in which it was recorded, ties by `control`. A counter that a sender starts anew every day
makes new events, not replays, because the time differs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from hub.features.imports.cells import Sex
from hub.features.imports.hl7_reader import AdtEvent, Event
from sync.domain.tracking import facts
from sync.domain.tracking.standing import Standing, stand
from sync.domain.tracking.state import AdminEvent

ChangeKind = Literal[
    "admitted", "transferred", "discharged", "discharge_cancelled", "admission_cancelled", "updated", "record_merged"
]
CHANGE_OF: dict[Event, ChangeKind] = {
    "A01": "admitted", "A02": "transferred", "A03": "discharged", "A08": "updated",
    "A11": "admission_cancelled", "A13": "discharge_cancelled", "A40": "record_merged",
}  # fmt: skip
SAID_AS: dict[Event, int] = {
    "A01": facts.OPENED, "A02": facts.MOVED, "A03": facts.DISCHARGED,
    "A11": facts.ADMISSION_CANCELLED, "A13": facts.DISCHARGE_CANCELLED,
}  # fmt: skip
"""Events that move a stay, by the kind of fact they become. A08 moves nobody, A40 is about record numbers."""

CONTROL_CHARS_MAX = 64


class Identity(NamedTuple):
    """What makes two messages the same one."""

    sending_app: str
    control_id: str
    event: str
    event_at_ms: int


@dataclass(frozen=True, slots=True)
class StayChange:
    """One thing to write down about a stay. It says nothing of what was known before, so order of writing is free.

    `control` (see there) settles equal times. `record_merged` has `into_no` and no stay: then
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
    sex: Sex = "U"
    into_no: str | None = None


def identity(event: AdtEvent) -> Identity:
    """The key to keep for telling replays."""
    return Identity(event.sending_app, event.control_id, event.event, event.event_at_ms)


def control(event: AdtEvent) -> str:
    """Sending application and MSH-10 in at most 64 characters; longer ones keep their start and a digest."""
    whole = f"{event.sending_app}/{event.control_id}"
    if len(whole) <= CONTROL_CHARS_MAX:
        return whole
    return f"{whole[:31]}#{hashlib.sha256(whole.encode()).hexdigest()[:32]}"


def fresh(events: Iterable[AdtEvent], seen: Set[Identity]) -> list[AdtEvent]:
    """Those not seen before, each once, in the order in which they were recorded."""
    first = {identity(event): event for event in sorted(events, key=_order, reverse=True)}
    return sorted((event for key, event in first.items() if key not in seen), key=_order)


def changes(event: AdtEvent) -> tuple[StayChange, ...]:
    """What an event says, as values: one, or for A40 one per pair of record numbers."""
    kind = CHANGE_OF[event.event]
    if event.event == "A40":
        return tuple(
            StayChange(kind, pair.from_no, "", event.event_at_ms, control(event), into_no=pair.into_no)
            for pair in event.merges
        )
    return (
        StayChange(
            kind,
            event.record_no,
            event.stay_no,
            event.event_at_ms,
            control(event),
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
    said: dict[tuple[str, str], list[AdminEvent]] = {}
    for event in fresh(events, frozenset()):
        kind = SAID_AS.get(event.event)
        if kind is not None:
            on = {facts.OPENED: event.admitted_on, facts.DISCHARGED: event.discharged_on}.get(kind)
            told = AdminEvent(event.event_at_ms, control(event), kind, event.ward or "", on.isoformat() if on else "")
            said.setdefault((event.record_no, event.stay_no), []).append(told)
    return {stay: stand(tuple(sorted(told))) for stay, told in said.items()}


def _order(event: AdtEvent) -> tuple[int, str, str, str]:
    return event.event_at_ms, control(event), event.event, repr(event)
