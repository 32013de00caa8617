"""One value at a time: what a cell or an HL7 component must look like before anything else sees it.

Every function returns the cleaned value or raises `BadValue`, which carries a code and nothing of the value.
"""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import date, datetime, timedelta
from typing import Literal, NoReturn

from sync.kernel.outcome import PeerFault

Sex = Literal["M", "F", "X", "U"]
Cell = str | int | float | bool | date | datetime | None

NAME_CHARS_MAX = 80
CELL_CHARS_MAX = 400
YEAR_MIN, YEAR_MAX = 1900, 2100
STAY_NOT_TOLD = "0"

_RECORD_NO = re.compile(r"[0-9A-Z]{4,20}")
_STAY_NO = re.compile(r"[0-9]{1,4}")
_WARD = re.compile(r"[A-Za-z0-9._-]{1,20}")
_TIME_OF_DAY = r"(?:[ T]?\d{1,2}[:时]\d{1,2}(?:[:分]\d{1,2}(?:\.\d+)?)?[秒分]?)?"
_DATE_FORMS = tuple(
    re.compile(form + _TIME_OF_DAY)
    for form in (
        r"(\d{4})-(\d{1,2})-(\d{1,2})",
        r"(\d{4})/(\d{1,2})/(\d{1,2})",
        r"(\d{4})\.(\d{1,2})\.(\d{1,2})",
        r"(\d{4})年(\d{1,2})月(\d{1,2})日",
    )
)
_DATE_DIGITS = re.compile(r"(\d{4})(\d{2})(\d{2})(?:\d{4}|\d{6})?")
_SERIAL = re.compile(r"(\d{5})(?:\.\d+)?")
_SERIAL_FROM = date(1899, 12, 30)
_SERIAL_MIN, _SERIAL_MAX = 20000, 79999
"""1954 to 2119 as Excel day numbers; outside it a number is no date anyone meant."""
_AS_FORMULA_TEXT = re.compile(r'="([^"]*)"')
_AS_QUOTED_NUMBER = re.compile(r"'[0-9]+")
_HALF_WIDTH = {0xFF01 + i: 0x21 + i for i in range(94)}
_HALF_WIDTH |= dict.fromkeys((0x00A0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), 0x20)
_INVISIBLE = "\u200b\u200e\u200f\u2060\ufeff"
_SEX_WORDS: dict[str, Sex] = {
    "男": "M", "男性": "M", "1": "M", "m": "M", "male": "M",
    "女": "F", "女性": "F", "2": "F", "f": "F", "female": "F",
    "o": "X", "a": "X", "other": "X",
}  # fmt: skip


class BadValue(PeerFault):
    """A value breaks its form. `code` is `cell.…`; the value itself is never carried along."""


def clean_text(value: Cell) -> str:
    """Half-width, NFC, one space between words, no ends, at most 400 characters.

    Undoes what spreadsheets do to keep a leading zero: `="00123"` and `'00123`. Raises `cell.control-character` (C0,
    C1, surrogates, direction overrides), `cell.unreadable-character` (U+FFFD: damaged before it came; private use;
    unassigned), `cell.too-long`.
    """
    text = _as_text(value)
    if len(text) > CELL_CHARS_MAX * 4:
        raise BadValue("cell.too-long")
    if not text.isascii():
        text = unicodedata.normalize("NFC", text.translate(_HALF_WIDTH))
    text = text.strip(_INVISIBLE + " \t\r\n")
    if wrapped := _AS_FORMULA_TEXT.fullmatch(text):
        text = wrapped[1].strip()
    elif _AS_QUOTED_NUMBER.fullmatch(text):
        text = text[1:]
    if not text.isprintable():
        _refuse_unprintable(text)
    if "\ufffd" in text:
        raise BadValue("cell.unreadable-character")
    if "  " in text:
        text = " ".join(text.split())
    if len(text) > CELL_CHARS_MAX:
        raise BadValue("cell.too-long")
    return text


def record_no(value: Cell) -> str:
    """4 to 20 of 0-9 A-Z, letters raised. Raises `cell.missing`, `cell.record-no`."""
    text = _required(value).upper()
    if not _RECORD_NO.fullmatch(text):
        raise BadValue("cell.record-no")
    return text


def stay_no(value: Cell) -> str:
    """Which stay of this patient: 1 to 4 digits without leading zeros; "0" when not told. Raises `cell.stay-no`."""
    text = clean_text(value) or STAY_NOT_TOLD
    if not _STAY_NO.fullmatch(text):
        raise BadValue("cell.stay-no")
    return str(int(text))


def name(value: Cell) -> str:
    """A person's name of any script, at most 80 characters. Raises `cell.missing`, `cell.name-too-long`."""
    text = _required(value)
    if len(text) > NAME_CHARS_MAX:
        raise BadValue("cell.name-too-long")
    return text


def ward(value: Cell) -> str:
    """A ward code, 1 to 20 of A-Z a-z 0-9 . _ -. Raises `cell.missing`, `cell.ward`."""
    text = _required(value)
    if not _WARD.fullmatch(text):
        raise BadValue("cell.ward")
    return text


def sex(value: Cell) -> Sex:
    """Words, letters of HL7 table 0001 or GB/T 2261.1 digits (1 male, 2 female); anything else is U, never refused."""
    return _SEX_WORDS.get(clean_text(value).lower(), "U")


def civil_date(value: Cell) -> date:
    """A civil date; a time of day behind it is ignored.

    Year first in every written form (2026-11-17, 2026/11/17, 2026.11.17, 20261117, 2026年11月17日), or an Excel day
    number (1900 system). Raises `cell.missing`, `cell.date-form`, `cell.date-impossible`.
    """
    if isinstance(value, datetime):
        return _in_range(value.date())
    if isinstance(value, date):
        return _in_range(value)
    text = _required(value)
    if serial := _SERIAL.fullmatch(text):
        days = int(serial[1])
        if not _SERIAL_MIN <= days <= _SERIAL_MAX:
            raise BadValue("cell.date-form")
        return _SERIAL_FROM + timedelta(days=days)
    for form in (*_DATE_FORMS, _DATE_DIGITS):
        if found := form.fullmatch(text):
            try:
                return _in_range(date(int(found[1]), int(found[2]), int(found[3])))
            except ValueError:
                raise BadValue("cell.date-impossible") from None
    raise BadValue("cell.date-form")


def _in_range(day: date) -> date:
    if not YEAR_MIN <= day.year <= YEAR_MAX:
        raise BadValue("cell.date-impossible")
    return day


def _required(value: Cell) -> str:
    text = clean_text(value)
    if not text:
        raise BadValue("cell.missing")
    return text


def _as_text(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        if not math.isfinite(value) or abs(value) >= 1e15:
            raise BadValue("cell.number")
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, bool) or (isinstance(value, int) and abs(value) >= 10**30):
        raise BadValue("cell.number")
    return str(value)


def _refuse_unprintable(text: str) -> NoReturn:
    """Private use and unassigned characters too: no fact may hold them, for no two machines would show the same."""
    controls = any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in text)
    raise BadValue("cell.control-character" if controls else "cell.unreadable-character")
