"""Single values of an HL7 message in the words of the rest of the product."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from hub.features.imports import cells
from hub.features.imports.cells import BadValue
from hub.features.imports.hl7_message import Hl7Fault, Segment

T = TypeVar("T")

_DTM = re.compile(r"([0-9]{8})([0-9]{2})?([0-9]{2})?([0-9]{2})?(\.[0-9]{1,6})?(?:([+-])([0-9]{2})([0-9]{2}))?")
_NUMBER_OF_STAY = re.compile(r"[0-9]{1,4}")
_RECORD_NO_TYPE = "MR"
"""HL7 table 0203: medical record number."""


def checked(read: Callable[[str], T], value: str, place: str) -> T:
    """A value by the same rules as a list's cell; its code becomes Hl7Fault AE with the field's place."""
    try:
        return read(value)
    except BadValue as bad:
        raise Hl7Fault(
            "AE", bad.code.replace("cell.", "hl7."), 101 if bad.code == "cell.missing" else 102, place
        ) from None


def identifier(segment: Segment, field: int) -> str:
    """The medical record number of a CX list: the first of type MR, else the first. Checked as a record number."""
    listed = segment.repetitions(field)
    chosen = next((one for one in listed if segment.component(one, 5).strip() == _RECORD_NO_TYPE), "")
    return checked(cells.record_no, segment.component(chosen or (listed or [""])[0], 1), f"{segment.name}-{field}")


def person_name(segment: Segment, field: int) -> str:
    """The name as written, ideographic before alphabetic where a sender gives both (XPN.8 = I).

    Chinese family and given name join without a space; others stand as given, middle, family.
    """
    listed = segment.repetitions(field)
    chosen = next((one for one in listed if segment.component(one, 8).strip() == "I"), (listed or [""])[0])
    family, given, middle = (segment.component(chosen, n).strip() for n in (1, 2, 3))
    spaced = (family + given).isascii()
    joined = " ".join(part for part in (given, middle, family) if part) if spaced else family + given + middle
    return checked(cells.name, joined, f"{segment.name}-{field}")


def stay_no(visit: Segment, record_no: str) -> str:
    """Which stay: PV1-19, else PV1-50, as 1 to 4 digits, alone or behind the record number (`00123456-2`).

    "0" when neither field says anything. Raises Hl7Fault AE `hl7.stay-no` when they say something else: two stays must
    not become one.
    """
    told = [text for text in (visit.value(19).upper(), visit.value(50).upper()) if text]
    for text in told:
        bare = text.removeprefix(record_no).lstrip("-_") if text != record_no else ""
        if _NUMBER_OF_STAY.fullmatch(bare):
            return checked(cells.stay_no, bare, "PV1-19")
    if told:
        raise Hl7Fault("AE", "hl7.stay-no", 102, "PV1-19")
    return cells.STAY_NOT_TOLD


def instant(text: str, site_offset_min: int, place: str) -> datetime | None:
    """A DTM of at least a day's precision as UTC; without a zone it is the site's. None when empty.

    Raises Hl7Fault AE `hl7.date-form`, `hl7.date-impossible`.
    """
    local = _local(text, place)
    if local is None:
        return None
    if local.tzinfo is None:
        return (local - timedelta(minutes=site_offset_min)).replace(tzinfo=UTC)
    return local.astimezone(UTC)


def civil_date(text: str, site_offset_min: int, place: str) -> date | None:
    """The day at the site of a DTM; None when empty. Raises as `instant`."""
    at = instant(text, site_offset_min, place)
    return None if at is None else (at + timedelta(minutes=site_offset_min)).date()


def _local(text: str, place: str) -> datetime | None:
    if not text:
        return None
    found = _DTM.fullmatch(text)
    if not found or (found[5] and not found[4]):
        raise Hl7Fault("AE", "hl7.date-form", 102, place)
    day = checked(cells.civil_date, found[1], place)
    hours, minutes, seconds = (int(found[i] or 0) for i in (2, 3, 4))
    zone_min = int((found[6] or "+") + "1") * (int(found[7] or 0) * 60 + int(found[8] or 0))
    if hours > 23 or minutes > 59 or seconds > 59 or abs(zone_min) > 14 * 60:
        raise Hl7Fault("AE", "hl7.date-impossible", 102, place)
    at = datetime(day.year, day.month, day.day, hours, minutes, seconds, int((found[5] or "")[1:].ljust(6, "0")))
    return at.replace(tzinfo=UTC) - timedelta(minutes=zone_min) if found[6] else at
