"""Machine-readable zones of passports and travel cards.

Source: ICAO Doc 9303, eighth edition, parts 3 (characters, check digits), 4 (TD3), 5 (TD1), 6 (TD2).
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass

from hardware.codecs.identity.code_tables import is_country
from hardware.codecs.identity.document import DocumentKind, IdentityDocument, Sex
from sync.kernel.outcome import Refused

FORMS = {(2, 44): "TD3", (2, 36): "TD2", (3, 30): "TD1"}
LINE_CHARS = frozenset(chars for _, chars in FORMS)
_ZONE = re.compile(r"[A-Z0-9<]+")
_WEIGHTS = (7, 3, 1)
_VALUES = {char: value for value, char in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")} | {"<": 0}
_SEXES: dict[str, Sex] = {"M": "male", "F": "female", "<": "unknown", "X": "not-stated"}


def check_digit(text: str) -> str:
    """Source: ICAO Doc 9303-3, section 4.9."""
    return str(sum(_WEIGHTS[at % 3] * _VALUES[char] for at, char in enumerate(text)) % 10)


def zone_lines(text: str) -> tuple[str, ...] | None:
    """The lines of a zone, also when a reader sent them without a break between; None for what is no zone."""
    lines = [re.sub(r"[ \t]", "", line).upper() for line in re.split(r"[\r\n]+", text.strip())]
    lines = [line for line in lines if line]
    if len(lines) == 1:
        whole = lines[0]
        parted = [
            tuple(whole[at * chars : (at + 1) * chars] for at in range(count))
            for count, chars in FORMS
            if len(whole) == count * chars
        ]
        lines = list(parted[0]) if parted else lines
    form = {len(line) for line in lines}
    if len(form) != 1 or (len(lines), form.pop()) not in FORMS or not all(map(_ZONE.fullmatch, lines)):
        return None
    return tuple(lines)


def read_zone_form(lines: Sequence[str]) -> str | None:
    """`TD1`, `TD2` or `TD3` of lines with nothing but a zone's characters, else None."""
    form = FORMS.get((len(lines), len(lines[0]) if lines else 0))
    return form if all(len(line) == len(lines[0]) and _ZONE.fullmatch(line) for line in lines) else None


@dataclass(frozen=True, slots=True)
class _Parts:
    head: str
    names: str
    number: str
    number_check: str
    nationality: str
    birth: str
    birth_check: str
    sex: str
    expiry: str
    expiry_check: str
    optional: str
    composite: str
    composite_check: str
    optional_check: str = ""


def read_zone(lines: Sequence[str], today_on: datetime.date) -> IdentityDocument | Refused:
    """The document of a zone.

    Refused `identity.zone-form`, `identity.check-digit` with its field, `identity.date`, `identity.country`,
    `identity.sex`, `identity.field-missing`. Names carry no check digit and are taken as they stand. The century of a
    birth is the one that is not in the future, of an expiry 1970 to 2069.
    """
    form = read_zone_form(lines)
    if form is None:
        return Refused("identity.zone-form")
    parts = {"TD3": _td3, "TD2": _td2, "TD1": _td1}[form](lines)
    if wrong := _wrong_check(parts):
        return Refused("identity.check-digit", {"field": wrong})
    issuer, nationality = parts.head[2:5].rstrip("<"), parts.nationality.rstrip("<")
    if not is_country(issuer) or not is_country(nationality):
        return Refused("identity.country")
    sex = _SEXES.get(parts.sex)
    if sex is None:
        return Refused("identity.sex")
    birth_on, expiry_on = _birth(parts.birth, today_on), _expiry(parts.expiry)
    if expiry_on is None or (birth_on is None and not _open(parts.birth)):
        return Refused("identity.date", {"field": "to" if expiry_on is None else "birth"})
    surname, _, given = parts.names.partition("<<")
    names = " ".join(part for part in (surname + "<" + given).split("<") if part)
    number = parts.number.rstrip("<")
    if not number or not names:
        return Refused("identity.field-missing", {"field": "name" if number else "number"})
    return IdentityDocument(
        _kind(parts.head, issuer), "mrz", number.replace("<", ""), names, form, names, sex, birth_on,
        nationality=nationality, issuer=issuer, valid_to_on=expiry_on,
        doubts=() if birth_on else ("identity.birth-unknown",),
    )  # fmt: skip


def _td3(lines: Sequence[str]) -> _Parts:
    first, second = lines
    return _Parts(
        first[:5], first[5:], second[:9], second[9], second[10:13], second[13:19], second[19], second[20],
        second[21:27], second[27], second[28:42], second[:10] + second[13:20] + second[21:43], second[43], second[42],
    )  # fmt: skip


def _td2(lines: Sequence[str]) -> _Parts:
    first, second = lines
    number, check, optional = _long_number(second[:9], second[9], second[28:35])
    return _Parts(
        first[:5], first[5:], number, check, second[10:13], second[13:19], second[19], second[20], second[21:27],
        second[27], optional, second[:10] + second[13:20] + second[21:35], second[35],
    )  # fmt: skip


def _td1(lines: Sequence[str]) -> _Parts:
    first, second, third = lines
    number, check, optional = _long_number(first[5:14], first[14], first[15:30])
    return _Parts(
        first[:5], third, number, check, second[15:18], second[:6], second[6], second[7], second[8:14], second[14],
        optional + second[18:29], first[5:30] + second[:7] + second[8:15] + second[18:29], second[29],
    )  # fmt: skip


def _long_number(number: str, check: str, optional: str) -> tuple[str, str, str]:
    """A number of more than nine characters goes on, with its check digit, in the optional data (9303-5, note j)."""
    if check != "<":
        return number, check, optional
    rest, _, behind = optional.partition("<")
    return (number + rest[:-1], rest[-1], behind) if rest else (number, check, optional)


def _wrong_check(parts: _Parts) -> str | None:
    checked = [
        ("number", parts.number, parts.number_check),
        ("birth", parts.birth, parts.birth_check),
        ("to", parts.expiry, parts.expiry_check),
        ("whole", parts.composite, parts.composite_check),
    ]
    if parts.optional_check and not (parts.optional_check == "<" and not parts.optional.strip("<")):
        checked.append(("optional", parts.optional, parts.optional_check))
    return next((field for field, text, digit in checked if check_digit(text) != digit), None)


def _kind(head: str, issuer: str) -> DocumentKind:
    if head[0] == "P":
        return "passport"
    # The exit and entry administration's cards for residents of Hong Kong, Macao and Taiwan.
    return "hmt-travel-permit" if head[:2] in ("CR", "CT") and issuer == "CHN" else "travel-document"


def _day(text: str, century: int) -> datetime.date | None:
    try:
        return datetime.date(century + int(text[:2]), int(text[2:4]), int(text[4:6])) if text.isdigit() else None
    except ValueError:
        return None


def _open(birth: str) -> bool:
    """Day, or day and month, or all of a birth that nobody knows: filled with `<` (9303-3, section 4.8)."""
    known = birth.rstrip("<")
    return len(known) in (0, 2, 4) and (not known or known.isdigit())


def _birth(text: str, today_on: datetime.date) -> datetime.date | None:
    century = today_on.year // 100 * 100
    on = _day(text, century)
    # 29 February may exist in one century alone.
    return on if on is not None and on <= today_on else _day(text, century - 100)


def _expiry(text: str) -> datetime.date | None:
    return _day(text, 1900 if text[:2] >= "70" else 2000)
