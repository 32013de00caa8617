"""Numbers of identity documents: what their form, check digit, dates and codes say, and refuse.

Source: GB 11643-1999, sections 3 and 4 (citizen's number, 15 digits before 1999); the residence permit of 2018 for Hong
Kong, Macao and Taiwan has the same form under 810000, 820000, 830000; the permanent residence card of 2023 under 9,
issuing province and ISO 3166-1 numeric country.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass

from hardware.codecs.identity.code_tables import COUNTRIES, NUMERIC, PROVINCES
from hardware.codecs.identity.document import DocumentKind, Sex, read_date
from sync.kernel.outcome import Refused

WEIGHTS = tuple(2**power % 11 for power in range(17, 0, -1))
"""7 9 10 5 8 4 2 1 6 3 7 9 10 5 8 4 2. Source: ISO 7064:2003, MOD 11-2."""
CHECK_CHARS = "10X98765432"
HMT_PLACES = frozenset({"810000", "820000", "830000"})
"""Residents of Hong Kong, Macao and Taiwan, in this order."""

_EIGHTEEN = re.compile(r"[0-9]{17}[0-9X]")
_FIFTEEN = re.compile(r"[0-9]{15}")
_LETTERED = re.compile(r"[A-Z]{3}[0-9]{12}")


@dataclass(frozen=True, slots=True, repr=False)
class DocumentNumber:
    """What a number says by itself. `edition` is `15` for a citizen's number of old, `2017`, `2023` for residents'."""

    kind: DocumentKind
    edition: str
    number: str
    birth_on: datetime.date | None
    sex: Sex
    nationality: str

    def __repr__(self) -> str:
        return f"<number of a {self.kind} {self.edition}>"


def check_char(body: str) -> str:
    """The check character of 17 digits."""
    return CHECK_CHARS[sum(weight * int(digit) for weight, digit in zip(WEIGHTS, body, strict=True)) % 11]


def tidy(text: str) -> str:
    """As people write and guns send it: blanks and dashes away, x as X, full-width digits as digits."""
    narrow = text.translate(_NARROW)
    return re.sub(r"[\s\-\u2010-\u2015\u00b7]", "", narrow).upper()


_NARROW = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}


def read_number(text: str, today_on: datetime.date | None = None) -> DocumentNumber | Refused:
    """A number of 18 or 15 characters by its rules.

    Refused `identity.number-form`, `-check-digit`, `-date`, `-province`, `-country`. With `today_on`, a birth after it
    is refused too.
    """
    number = tidy(text)
    if _EIGHTEEN.fullmatch(number):
        return _eighteen(number, today_on)
    if _FIFTEEN.fullmatch(number):
        return _fifteen(number, today_on)
    if _LETTERED.fullmatch(number):
        if number[:3] not in COUNTRIES:
            return Refused("identity.country")
        return DocumentNumber("permanent-residence-card", "2017", number, None, "unknown", number[:3])
    return Refused("identity.number-form")


def _eighteen(number: str, today_on: datetime.date | None) -> DocumentNumber | Refused:
    if check_char(number[:17]) != number[17]:
        return Refused("identity.check-digit")
    birth_on = read_date(number[6:14])
    if birth_on is None or _not_yet(birth_on, today_on):
        return Refused("identity.date", {"field": "birth"})
    sex: Sex = "male" if int(number[16]) % 2 else "female"
    if number[0] == "9":
        if number[1:3] not in PROVINCES:
            return Refused("identity.province")
        if number[3:6] not in NUMERIC:
            return Refused("identity.country")
        nationality = NUMERIC[number[3:6]]
        return DocumentNumber("permanent-residence-card", "2023", number, birth_on, sex, nationality)
    if number[:6] in HMT_PLACES:
        return DocumentNumber("hmt-residence-permit", "", number, birth_on, sex, "CHN")
    if number[:2] not in PROVINCES:
        return Refused("identity.province")
    return DocumentNumber("citizen-card", "", number, birth_on, sex, "CHN")


def _fifteen(number: str, today_on: datetime.date | None) -> DocumentNumber | Refused:
    birth_on = read_date("19" + number[6:12])
    if birth_on is None or _not_yet(birth_on, today_on):
        return Refused("identity.date", {"field": "birth"})
    if number[:2] not in PROVINCES:
        return Refused("identity.province")
    return DocumentNumber("citizen-card", "15", number, birth_on, "male" if int(number[14]) % 2 else "female", "CHN")


def _not_yet(birth_on: datetime.date, today_on: datetime.date | None) -> bool:
    return today_on is not None and birth_on > today_on


def eighteen_of(fifteen: str) -> str:
    """The 18 characters that a valid number of 15 became in 1999: the century 19 and a check character."""
    body = f"{fifteen[:6]}19{fifteen[6:]}"
    return body + check_char(body)
