"""GS1 element strings: what a code says behind each of its application identifiers.

Fields of fixed length follow each other; a field of variable length ends at FNC1, which a gun sends as 1Dh (in keyboard
mode as Ctrl+] or Alt+029), or at the end. A gun with wrong settings drops it: then two fields look like one longer one.
Where that cannot be ruled out it is said, and nothing is guessed.

Source: GS1 General Specifications 24, sections 3.2 (identifiers), 7.8 (processing), 7.9 (check digit), 7.11 (character
set 82), 7.12 (dates).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hardware.codecs.scan_assembler import GS1_PREFIXES
from hardware.ports import Scan

SEPARATOR: Final = "\x1d"
_CHARS: Final = re.compile(r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]+")


@dataclass(frozen=True, slots=True)
class Field:
    """The form of what follows an identifier: `digits` first, then up to `more` characters (`least` at least).

    `check`: the last of that many leading digits is their check digit; 0: none. `date`: the first six digits are one.
    """

    digits: int = 0
    more: int = 0
    least: int = 0
    numeric: bool = False
    check: int = 0
    date: bool = False

    @property
    def fixed(self) -> bool:
        return self.more == 0


def _text(most: int) -> Field:
    return Field(more=most, least=1)


def _number(most: int) -> Field:
    return Field(more=most, least=1, numeric=True)


_KEY: Final = Field(13, check=13)
FIELDS: Final[Mapping[str, Field]] = {
    "00": Field(18, check=18),
    "01": Field(14, check=14),
    "02": Field(14, check=14),
    "10": _text(20),
    **{ai: Field(6, date=True) for ai in ("11", "12", "13", "15", "16", "17")},
    "20": Field(2),
    "21": _text(20),
    "22": _text(20),
    "240": _text(30),
    "241": _text(30),
    "243": _text(20),
    "250": _text(30),
    "251": _text(30),
    "253": Field(13, 17, check=13),
    "254": _text(20),
    "255": Field(13, 12, numeric=True, check=13),
    "30": _number(8),
    **{f"3{kind}{places}": Field(6) for kind in range(10, 17) for places in range(6)},
    "37": _number(8),
    "400": _text(30),
    "401": _text(30),
    "402": Field(17, check=17),
    **{f"41{n}": _KEY for n in range(8)},
    "420": _text(20),
    "7003": Field(10, date=True),
    "7004": _number(4),
    **{f"71{n}": _text(20) for n in range(7)},
    "7240": _text(20),
    "7250": Field(8),
    "7251": Field(12),
    "7252": Field(1),
    "7253": _text(40),
    "7254": _text(40),
    "7256": _text(90),
    "8003": Field(14, 16, check=14),
    "8004": _text(30),
    "8006": Field(18),
    "8008": Field(8, 4, numeric=True, date=True),
    "8012": _text(20),
    "8013": _text(25),
    "8017": Field(18, check=18),
    "8018": Field(18, check=18),
    "8019": _number(10),
    "8020": _text(25),
    "90": _text(30),
    **{f"9{n}": _text(90) for n in range(1, 10)},
}
"""What hospitals meet: articles and lots, documents, places, medicines, patients and those who care for them."""

_LENGTHS: Final = (2, 3, 4)
NEEDS_NO_SEPARATOR: Final = re.compile(r"0[0-4]|1[1-9]|20|3[1-6]|41")
"""Identifiers that begin so have a length every reader knows."""


@dataclass(frozen=True, slots=True)
class Element:
    ai: str
    value: str


@dataclass(frozen=True, slots=True)
class Elements:
    """All of a code, in its order; one identifier stands once."""

    elements: tuple[Element, ...]

    def __getitem__(self, ai: str) -> str:
        """KeyError when the code does not say it."""
        for each in self.elements:
            if each.ai == ai:
                return each.value
        raise KeyError(ai)


@dataclass(frozen=True, slots=True)
class Gs1Trouble:
    """Why nothing was read; `ai` where it is known.

    gs1.empty, gs1.unknown-ai, gs1.short, gs1.characters, gs1.check-digit, gs1.date, gs1.repeated: the code is wrong, or
    was cut. gs1.separators-dropped: a field is longer than it can be. gs1.separators-doubtful: the last field could as
    well be several; a gun that is known to send separators rules that out.
    """

    code: str
    ai: str = ""


def is_gs1(scan: Scan) -> bool:
    """Whether the gun itself said so. A plain Code 128 may hold anything, and is not asked."""
    return scan.raw[:3] in GS1_PREFIXES


def read_elements(text: str, *, sends_separators: bool = False) -> Elements | Gs1Trouble:
    """An element string, with or without FNC1 before it. `sends_separators`: this gun has sent one before."""
    body = text.removeprefix(SEPARATOR)
    if not body:
        return Gs1Trouble("gs1.empty")
    found = _read(body)
    if isinstance(found, Gs1Trouble):
        return found
    if not sends_separators and SEPARATOR not in body and _could_be_several(found[-1]):
        return Gs1Trouble("gs1.separators-doubtful", found[-1].ai)
    return Elements(tuple(found))


def _read(body: str) -> list[Element] | Gs1Trouble:
    found: list[Element] = []
    at = 0
    while at < len(body):
        ai = next((body[at : at + n] for n in _LENGTHS if body[at : at + n] in FIELDS), "")
        if not ai:
            return Gs1Trouble("gs1.unknown-ai")
        at += len(ai)
        field = FIELDS[ai]
        end = body.find(SEPARATOR, at)
        end = len(body) if end < 0 else end
        if field.fixed and NEEDS_NO_SEPARATOR.match(ai):
            end = min(end, at + field.digits)
        value = body[at:end]
        if code := _wrong(field, value):
            return Gs1Trouble(code, ai)
        if any(each.ai == ai and each.value != value for each in found):
            return Gs1Trouble("gs1.repeated", ai)
        found.append(Element(ai, value))
        at = end + 1 if body[end : end + 1] == SEPARATOR else end
    return found


def _wrong(field: Field, value: str) -> str:
    """Why this cannot stand behind the identifier; empty when it can."""
    if len(value) < field.digits + field.least:
        return "gs1.short"
    if len(value) > field.digits + field.more:
        return "gs1.separators-dropped"
    if not _CHARS.fullmatch(value) or not _is_digits(value[: len(value) if field.numeric else field.digits]):
        return "gs1.characters"
    if field.check and _check_digit(value[: field.check - 1]) != int(value[field.check - 1]):
        return "gs1.check-digit"
    if field.date and not _is_date(value[:6]):
        return "gs1.date"
    return ""


def _could_be_several(last: Element) -> bool:
    """Whether a part of the last value reads as further elements, each of them right."""
    field = FIELDS[last.ai]
    if field.fixed:
        return False
    least = field.digits + field.least
    return any(not isinstance(_read(last.value[cut:]), Gs1Trouble) for cut in range(least, len(last.value)))


def _is_digits(text: str) -> bool:
    return all("0" <= char <= "9" for char in text)


def _check_digit(digits: str) -> int:
    """Weights 3 and 1 from the right. Source: GS1 General Specifications, section 7.9.1."""
    return -sum(int(digit) * (3, 1)[n % 2] for n, digit in enumerate(reversed(digits))) % 10


def _is_date(text: str) -> bool:
    """YYMMDD; day 00 is the month as a whole."""
    month, day = int(text[2:4]), int(text[4:6])
    return 1 <= month <= 12 and 0 <= day <= (29 if month == 2 else 30 if month in (4, 6, 9, 11) else 31)
