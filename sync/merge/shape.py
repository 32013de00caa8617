"""What a body must look like: one table per kind, of field number to rule.

A shape is held twice: where a fact is written and where it is taken in. Fold relies on it and checks nothing again.
Fields that the table does not name pass (a newer writer may add them); named ones must have exactly the type.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from sync.kernel.ids import LANES, NODE_PATTERN, FactId
from sync.kernel.limits import INT_MAX
from sync.kernel.outcome import PeerFault

Rule = Callable[[Any], bool]
"""True when the value may stand in the field. A rule is `Worded`, or a function whose name says what it is."""


class Worded:
    """A rule made from parameters. `words` tell it whole: they are what a released schema froze."""

    __slots__ = ("holds", "words")

    def __init__(self, words: str, holds: Rule) -> None:
        self.words: Final = words
        self.holds: Final = holds

    def __call__(self, value: Any) -> bool:
        return self.holds(value)


def words_of(rule: Rule) -> str:
    """What may stand in a field, told so that two rules of one meaning have one text."""
    return rule.words if isinstance(rule, Worded) else rule.__name__.strip("_")


def _plain(rule: Rule) -> Rule:
    return rule.holds if isinstance(rule, Worded) else rule


class Shape:
    """Callable on a body. `must` fields are there and hold; `may` fields are absent, null or hold.

    `since`: the kind's version that added a field; 1 where none is named. `version` is the newest of them.
    Raises PeerFault `fact.schema` that names the field number, never its value.
    """

    __slots__ = ("_may", "_must", "fields", "version")

    def __init__(
        self,
        must: Mapping[int, Rule] | None = None,
        may: Mapping[int, Rule] | None = None,
        since: Mapping[int, int] | None = None,
    ) -> None:
        must, may, since = must or {}, may or {}, since or {}
        assert since.keys() <= must.keys() | may.keys()
        self._must: Final = tuple((number, _plain(rule)) for number, rule in must.items())
        self._may: Final = tuple((number, _plain(rule)) for number, rule in may.items())
        self.fields: Final = {
            number: FieldRow(words_of(rule), number in must, since.get(number, 1))
            for number, rule in sorted({**must, **may}.items())
        }
        self.version: Final = max(since.values(), default=1)

    def __call__(self, body: Mapping[int, Any]) -> None:
        for number, holds in self._must:
            if number not in body or not holds(body[number]):
                raise PeerFault("fact.schema", f"field {number}")
        for number, holds in self._may:
            value = body.get(number)
            if value is not None and not holds(value):
                raise PeerFault("fact.schema", f"field {number}")


class FieldRow(NamedTuple):
    """One numbered field of a kind: its rule in words, whether it must be there, the kind's version that added it."""

    words: str
    must: bool
    since: int


def pattern(expression: str) -> Rule:
    """Text that the whole expression matches."""
    match = re.compile(expression).fullmatch
    return Worded(f"text {expression}", lambda value: type(value) is str and match(value) is not None)


# Kept out of all text: control characters, line and paragraph separators, marks that turn the writing direction, lone
# surrogates. Private-use and newly assigned characters stay in: rare characters of names are among them.
_UNFIT: Final = "\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff"
_fits_line = re.compile(f"[^{_UNFIT}]*").fullmatch
_fits_prose = re.compile(f"(?:[^{_UNFIT}]|\\n)*").fullmatch


def text(chars_max: int, chars_min: int = 1) -> Rule:
    """One line of text."""
    return Worded(
        f"line {chars_min}..{chars_max}",
        lambda value: type(value) is str and chars_min <= len(value) <= chars_max and _fits_line(value) is not None,
    )


def prose(chars_max: int) -> Rule:
    """What a person typed: may be empty, may have line ends."""
    return Worded(
        f"prose 0..{chars_max}",
        lambda value: type(value) is str and len(value) <= chars_max and _fits_prose(value) is not None,
    )


def tidy(value: str) -> str:
    """Text as bodies hold it: NFC, one kind of blank, line ends as \\n, nothing blank at the ends."""
    if value.isascii() and value.isprintable():
        return value.strip()
    plain = unicodedata.normalize("NFC", value).replace("\r\n", "\n").replace("\t", " ")
    return "".join(" " if unicodedata.category(char) == "Zs" else char for char in plain).strip()


def body_of(shape: Shape, fields: Mapping[int, Any]) -> dict[int, Any]:
    """A body from fields in any order: null ones left out, text tidied, held against its shape."""
    body = {
        number: tidy(value) if type(value) is str else value
        for number, value in sorted(fields.items())
        if value is not None
    }
    shape(body)
    return body


def uint(at_most: int = INT_MAX) -> Rule:
    """A whole number from 0; true and false are not numbers."""
    return Worded(f"uint 0..{at_most}", lambda value: type(value) is int and 0 <= value <= at_most)


def octets(exactly: int) -> Rule:
    """A byte string of one length."""
    return Worded(f"bytes {exactly}", lambda value: type(value) is bytes and len(value) == exactly)


ONE_OF: Final = "one of: "


def one_of(*words: str) -> Rule:
    """One of the words."""
    allowed = frozenset(words)
    return Worded(f"{ONE_OF}{' '.join(sorted(words))}", lambda value: type(value) is str and value in allowed)


def rows(rule: Rule, at_most: int, at_least: int = 0) -> Rule:
    """A list whose every item holds."""
    holds = _plain(rule)
    return Worded(
        f"rows {at_least}..{at_most} of ({words_of(rule)})",
        lambda value: (
            type(value) in (list, tuple) and at_least <= len(value) <= at_most and all(holds(item) for item in value)
        ),
    )


def pair(first: Rule, second: Rule) -> Rule:
    """A list of two."""
    one, other = _plain(first), _plain(second)
    return Worded(
        f"pair of ({words_of(first)}) and ({words_of(second)})",
        lambda value: type(value) in (list, tuple) and len(value) == 2 and one(value[0]) and other(value[1]),
    )


def flag(value: Any) -> bool:
    """True or false."""
    return type(value) is bool


def civil_date(value: Any) -> bool:
    """A date that exists, as YYYY-MM-DD."""
    if type(value) is not str or len(value) != 10 or value[4] != "-":
        return False
    try:
        datetime.date.fromisoformat(value)
    except ValueError:
        return False
    return True


INSTANT_MS_MAX: Final = 2**47 - 1
"""The 48-bit milliseconds of an order stamp without its top bit: stamps are signed 64-bit in SQLite."""

instant_ms: Final = uint(INSTANT_MS_MAX)
"""Milliseconds since 1970 UTC; any clock's claim, 1970 included."""

STREAM_LANES: Final = frozenset(LANES)


def fact_ref(value: Any) -> bool:
    """[node, incarnation, lane, seq] of another fact."""
    if type(value) not in (list, tuple) or len(value) != 4:
        return False
    node, incarnation, lane, seq = value
    return (
        type(node) is str
        and NODE_PATTERN.fullmatch(node) is not None
        and type(incarnation) is int
        and 0 < incarnation <= INT_MAX
        and type(lane) is int
        and lane in STREAM_LANES
        and type(seq) is int
        and 0 < seq <= INT_MAX
    )


def to_ref(fact: FactId) -> list[str | int]:
    """A fact id as a body holds it."""
    return [fact.node, fact.incarnation, fact.lane, fact.seq]


def from_ref(value: Any) -> FactId:
    """Back from a body that passed `fact_ref`."""
    return FactId(value[0], value[1], value[2], value[3])
