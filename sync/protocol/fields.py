"""Strict reading of numbered maps: exact types, stated sizes, unknown fields left alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sync.kernel.ids import LABEL_PATTERN
from sync.kernel.limits import INT_MAX
from sync.kernel.outcome import PeerFault

ROWS_MAX = 4096
TEXT_CHARS_MAX = 200

Check = Callable[[object], bool]


def count(most: int = INT_MAX, least: int = 0) -> Check:
    """A whole number within bounds; a truth value is none."""
    return lambda value: type(value) is int and least <= value <= most


def raw(length: int) -> Check:
    """A byte string of exactly this length."""
    return lambda value: type(value) is bytes and len(value) == length


def raw_up_to(most: int) -> Check:
    """A byte string of at most this length."""
    return lambda value: type(value) is bytes and len(value) <= most


def text(most: int = TEXT_CHARS_MAX) -> Check:
    """Text of at most this many characters."""
    return lambda value: type(value) is str and len(value) <= most


def truth(value: object) -> bool:
    """True or false."""
    return type(value) is bool


def is_label(value: object) -> bool:
    """A scope label of the form that the protocol allows."""
    return type(value) is str and bool(LABEL_PATTERN.fullmatch(value))


COUNT = count()
INCARNATION = count(least=1)
LANE = count(2)
H = raw(32)
H16 = raw(16)
H8 = raw(8)


class Fields:
    """A numbered map from a peer. Every reader raises PeerFault with `code` when the field is not what it must be."""

    __slots__ = ("_code", "_map")

    def __init__(self, value: object, code: str) -> None:
        if type(value) is not dict:
            raise PeerFault(code)
        self._map: dict[int, Any] = value
        self._code = code

    def one(self, number: int, check: Check, default: Any = ...) -> Any:
        """The field, or `default` where it is absent and a default is given."""
        if number not in self._map:
            if default is ...:
                raise PeerFault(self._code, f"field {number}")
            return default
        value = self._map[number]
        if not check(value):
            raise PeerFault(self._code, f"field {number}")
        return value

    def rows(self, number: int, *checks: Check, most: int = ROWS_MAX) -> list[tuple[Any, ...]]:
        """A list of lists, each with exactly the columns of `checks`; an absent field is an empty list."""
        return [self.columns(number, row, *checks) for row in self.list(number, most)]

    def row(self, number: int, *checks: Check) -> tuple[Any, ...] | None:
        """One list with exactly the columns of `checks`; None where it is absent."""
        return self.columns(number, self._map[number], *checks) if number in self._map else None

    def values(self, number: int, check: Check, most: int = ROWS_MAX) -> tuple[Any, ...]:
        """A list of plain values; an absent field is empty."""
        values = self.list(number, most)
        if not all(map(check, values)):
            raise PeerFault(self._code, f"field {number}")
        return tuple(values)

    def list(self, number: int, most: int = ROWS_MAX) -> list[Any]:
        """A list as it came."""
        value = self._map.get(number, [])
        if type(value) is not list or len(value) > most:
            raise PeerFault(self._code, f"field {number}")
        return value

    def columns(self, number: int, row: object, *checks: Check) -> tuple[Any, ...]:
        """`row` as exactly the columns of `checks`."""
        if type(row) is not list or len(row) != len(checks):
            raise PeerFault(self._code, f"field {number}")
        if not all(check(value) for check, value in zip(checks, row, strict=True)):
            raise PeerFault(self._code, f"field {number}")
        return tuple(row)


def anything(value: object) -> bool:
    """A column that its reader checks by itself."""
    return True
