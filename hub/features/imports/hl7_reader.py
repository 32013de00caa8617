"""ADT messages as events: who, which stay, where, when, and in which order things were recorded.

Pure. Answers follow from the fault: AE when the message is of a kind we take and its content is wrong, AR when it is
not (no header, other type, event, version or processing mode, unreadable bytes).
Source: HL7 v2.5, chapter 3 (ADT), chapter 2 section 2.9.2 (original mode); events by 3.3.1 A01 to 3.3.40 A40.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, cast, get_args

from hub.features.imports import cells
from hub.features.imports.cells import Sex
from hub.features.imports.hl7_message import Hl7Fault, Message, Segment, decode_message
from hub.features.imports.hl7_values import checked, civil_date, identifier, instant, person_name, stay_no

Event = Literal["A01", "A02", "A03", "A08", "A11", "A13", "A40"]
"""Admitted, transferred, discharged, updated, admission cancelled, discharge cancelled, record numbers merged."""

ID_CHARS_MAX = 199
APP_CHARS_MAX = 227
_VERSION = re.compile(r"2\.[1-9](\.[0-9])?")
_NEEDS_WARD = ("A01", "A02", "A03")

__all__ = ["AdtEvent", "Event", "Hl7Fault", "Merge", "decode_message", "read_adt"]


@dataclass(frozen=True, slots=True)
class Merge:
    """Two record numbers of one patient: `from_no` is given up, `into_no` lives on."""

    from_no: str
    into_no: str


@dataclass(frozen=True, slots=True)
class AdtEvent:
    """One ADT message. `event_at` (UTC) orders events of a stay: when the sender recorded it.

    `stay_no` is "0" when the sender told none. A40 has `merges` and no stay; `record_no` is then the first one that
    lives on. `name` is "" where the message had none and its event needs none.
    """

    event: Event
    control_id: str
    sending_app: str
    sending_facility: str
    event_at: datetime
    record_no: str
    stay_no: str
    name: str
    sex: Sex
    ward: str | None
    prior_ward: str | None
    admitted_on: date | None
    discharged_on: date | None
    merges: tuple[Merge, ...] = ()

    @property
    def event_at_ms(self) -> int:
        """`event_at` in milliseconds since 1970 UTC."""
        return (self.event_at - datetime.fromtimestamp(0, self.event_at.tzinfo)) // timedelta(milliseconds=1)


def read_adt(text: str, site_offset_min: int) -> AdtEvent:
    """Read a decoded message. `site_offset_min`: the site's zone for times without one, +480 for China.

    `event_at` is EVN-2, else EVN-6, else MSH-7. Recorded before occurred, because a cancel repeats in EVN-6 the time
    of what it cancels and would tie with it. A discharge day is PV1-45, else EVN-6, else the day it was recorded.
    Raises Hl7Fault.
    """
    message = Message(text)
    header, evn, visit = message.header, message.first("EVN"), message.first("PV1")
    event = _event(header, evn)
    control_id = _bounded(header.value(10), ID_CHARS_MAX, "MSH-10")
    if not control_id:
        raise Hl7Fault("AE", "hl7.missing", 101, "MSH-10")
    event_at = _first_instant(site_offset_min, (evn, 2, "EVN-2"), (evn, 6, "EVN-6"), (header, 7, "MSH-7"))
    if event_at is None:
        raise Hl7Fault("AE", "hl7.missing", 101, "EVN-2")
    merges = _merges(message) if event == "A40" else ()
    person = message.first("PID")
    record_no = merges[0].into_no if merges else identifier(person, 3)
    has_name = bool(person.repetitions(5))
    admitted_on = civil_date(visit.value(44), site_offset_min, "PV1-44")
    discharged_on = civil_date(visit.value(45), site_offset_min, "PV1-45")
    if event == "A03" and discharged_on is None:
        recorded_on = (event_at + timedelta(minutes=site_offset_min)).date()
        discharged_on = civil_date(evn.value(6), site_offset_min, "EVN-6") or recorded_on
    if admitted_on and discharged_on and admitted_on > discharged_on:
        raise Hl7Fault("AE", "hl7.admitted-after-discharged", 102, "PV1-45")
    return AdtEvent(
        event=event,
        control_id=control_id,
        sending_app=_bounded(header.value(3), APP_CHARS_MAX, "MSH-3"),
        sending_facility=_bounded(header.value(4), APP_CHARS_MAX, "MSH-4"),
        event_at=event_at,
        record_no=record_no,
        stay_no=cells.STAY_NOT_TOLD if event == "A40" else stay_no(visit, record_no),
        name=person_name(person, 5) if event in _NEEDS_WARD or has_name else "",
        sex=checked(cells.sex, person.value(8), "PID-8"),
        ward=_ward(visit, 3, needed=event in _NEEDS_WARD),
        prior_ward=_ward(visit, 6, needed=False),
        admitted_on=admitted_on,
        discharged_on=discharged_on,
        merges=merges,
    )


def _event(header: Segment, evn: Segment) -> Event:
    kind, trigger = header.value(9, 1), header.value(9, 2) or evn.value(1)
    if kind != "ADT":
        raise Hl7Fault("AR", "hl7.type-unsupported", 200, "MSH-9")
    if not _VERSION.fullmatch(header.value(12)):
        raise Hl7Fault("AR", "hl7.version-unsupported", 203, "MSH-12")
    # Training and debugging messages (T, D) are about nobody: they must not reach a ward's list.
    if header.value(11) not in ("", "P"):
        raise Hl7Fault("AR", "hl7.processing-unsupported", 202, "MSH-11")
    if trigger not in get_args(Event):
        raise Hl7Fault("AR", "hl7.event-unsupported", 201, "MSH-9")
    return cast(Event, trigger)


def _first_instant(site_offset_min: int, *places: tuple[Segment, int, str]) -> datetime | None:
    for segment, field, place in places:
        if (at := instant(segment.value(field), site_offset_min, place)) is not None:
            if not 1970 <= at.year < 2100:
                raise Hl7Fault("AE", "hl7.date-impossible", 102, place)
            return at
    return None


def _merges(message: Message) -> tuple[Merge, ...]:
    """PID and MRG come in pairs, one or several in a message."""
    pairs: list[Merge] = []
    into = ""
    for segment in message.all("PID", "MRG"):
        if segment.name == "PID":
            into = identifier(segment, 3)
        elif not into:
            raise Hl7Fault("AE", "hl7.merge-without-patient", 100, "MRG-1")
        else:
            pairs.append(Merge(identifier(segment, 1), into))
    if not pairs:
        raise Hl7Fault("AE", "hl7.missing", 101, "MRG-1")
    if any(pair.from_no == pair.into_no for pair in pairs):
        raise Hl7Fault("AE", "hl7.merge-into-itself", 102, "MRG-1")
    return tuple(pairs)


def _ward(visit: Segment, field: int, *, needed: bool) -> str | None:
    code = visit.value(field)
    return checked(cells.ward, code, f"PV1-{field}") if code or needed else None


def _bounded(text: str, chars_max: int, place: str) -> str:
    cleaned = checked(cells.clean_text, text, place)
    if len(cleaned) > chars_max:
        raise Hl7Fault("AE", "hl7.too-long", 104, place)
    return cleaned
