"""Which document a text is of: a number somebody typed, or the zone a reader sent.

Forms of numbers overlap. Where check digit or letters settle it there is one kind; where they do not, the kinds that it
may be, likeliest first, and a person chooses. Nothing is guessed.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass

from hardware.codecs.identity.document import DocumentKind, IdentityDocument, Sex
from hardware.codecs.identity.mrz import read_zone, zone_lines
from hardware.codecs.identity.numbers import read_number, tidy
from sync.kernel.outcome import Refused

TEXT_CHARS_MAX = 120

_FORMS: tuple[tuple[re.Pattern[str], tuple[DocumentKind, ...]], ...] = (
    # Issued by China: E and two digits or letters, or one of the series for service, official and diplomatic travel.
    (re.compile(r"(E[0-9A-Z][0-9]{7}|[GDSP][0-9]{8}|[DSP]E[0-9]{7})"), ("passport",)),
    (re.compile(r"[HM][0-9]{8}([0-9]{2})?"), ("hmt-travel-permit", "passport")),
    (re.compile(r"[0-9]{8}([0-9]{2})?"), ("hmt-travel-permit", "passport")),
    (re.compile(r"(?=.*[0-9])[0-9A-Z]{6,9}"), ("passport", "travel-document")),
)
"""Form to the kinds with it. Source: GA/T 704 series, numbers of travel permits; ICAO Doc 9303-4, nine characters."""


@dataclass(frozen=True, slots=True, repr=False)
class Recognised:
    """`kinds` has one member when the text settles it. `document` is there for a zone."""

    kinds: tuple[DocumentKind, ...]
    number: str
    edition: str = ""
    birth_on: datetime.date | None = None
    sex: Sex = "unknown"
    nationality: str = ""
    document: IdentityDocument | None = None

    def __repr__(self) -> str:
        return f"<recognised as {' or '.join(self.kinds)}>"


def recognise(text: str, today_on: datetime.date) -> Recognised | Refused:
    """What a text is. Refused with the codes of `read_number` and `read_zone`, or `identity.unrecognised`."""
    if not text.strip() or len(text) > TEXT_CHARS_MAX:
        return Refused("identity.unrecognised")
    lines = zone_lines(text)
    if lines is not None:
        read = read_zone(lines, today_on)
        if isinstance(read, Refused):
            return read
        return Recognised(
            (read.kind,), read.number, read.edition, read.birth_on, read.sex, read.nationality, read
        )  # fmt: skip
    found = read_number(text, today_on)
    if not isinstance(found, Refused):
        return Recognised((found.kind,), found.number, found.edition, found.birth_on, found.sex, found.nationality)
    if found.code != "identity.number-form":
        return found
    number = tidy(text)
    kinds = next((kinds for form, kinds in _FORMS if form.fullmatch(number)), None)
    return Refused("identity.unrecognised") if kinds is None else Recognised(kinds, number)
