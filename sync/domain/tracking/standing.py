"""Where the patient is, by the hospital's own messages: a table, folded in the order in which things happened.

The machine is about the stay alone, not about paper: a collected record has a standing as well, and the two may clash,
which is an anomaly. It follows HL7 v2 admissions, transfers, discharges and their cancellations (A01, A02, A03, A11,
A13; Source: HL7 v2.5.1, chapter 3) and lists, which say the same in fewer words.

Messages come late, twice and in any order. So they are kept, sorted by (event time, control id) and played again from
the start: the same set gives the same standing, whatever came first. `unheard` means that nobody but a courier ever
spoke of the stay. A missing pair changes nothing: an admission told again after the discharge does not bring the
patient back (only a cancellation does), and a cancelled admission has no discharge to cancel.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sync.domain.tracking import facts
from sync.domain.tracking.state import CANCELLED, DISCHARGED, IN_HOUSE, UNHEARD, AdminEvent
from sync.merge.machine import Table

STANDING: Final[Table] = {
    (UNHEARD, "opened"): IN_HOUSE,
    (UNHEARD, "moved"): IN_HOUSE,
    (UNHEARD, "discharged"): DISCHARGED,
    (UNHEARD, "discharge_cancelled"): IN_HOUSE,
    (UNHEARD, "admission_cancelled"): CANCELLED,
    (IN_HOUSE, "discharged"): DISCHARGED,
    (IN_HOUSE, "admission_cancelled"): CANCELLED,
    (DISCHARGED, "discharge_cancelled"): IN_HOUSE,
    (DISCHARGED, "admission_cancelled"): CANCELLED,
    (CANCELLED, "opened"): IN_HOUSE,
    (CANCELLED, "discharged"): DISCHARGED,
}

EVENTS: Final = {
    facts.OPENED: "opened",
    facts.MOVED: "moved",
    facts.DISCHARGED: "discharged",
    facts.DISCHARGE_CANCELLED: "discharge_cancelled",
    facts.ADMISSION_CANCELLED: "admission_cancelled",
}


class Standing(NamedTuple):
    """What the messages come to. Dates as YYYY-MM-DD."""

    standing: str
    ward: str | None
    admitted_on: str | None
    discharged_on: str | None


def stand(events: tuple[AdminEvent, ...]) -> Standing:
    """Play the messages, which are sorted, from the start."""
    standing, ward, admitted_on, discharged_on = UNHEARD, None, None, None
    for event in events:
        standing = STANDING.get((standing, EVENTS[event.kind]), standing)
        ward = event.ward or ward
        if event.kind == facts.OPENED:
            admitted_on = event.on or admitted_on
        elif event.kind == facts.DISCHARGED:
            discharged_on = event.on
        if standing != DISCHARGED:
            discharged_on = None
    return Standing(standing, ward, admitted_on, discharged_on)
