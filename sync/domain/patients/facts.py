"""What facts of the due list say. Entity type 11 due: the named twin of a stay, under the same key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sync.kernel.fact import NewFact
from sync.merge.shape import Shape, body_of, civil_date, one_of, pattern, text

DUE: Final = 11
LISTED, WITHDRAWN, CLOSED, RELISTED = 60, 61, 62, 64

SEXES: Final = ("M", "F", "X", "U")
"""M male, F female, X other, U not told."""

_WARD: Final = pattern(r"[A-Za-z0-9._-]{1,20}")
_LISTED: Final = Shape(
    {
        1: text(80),
        2: one_of(*SEXES),
        3: _WARD,
        4: civil_date,
        5: pattern(r"[0-9A-Z]{4,20}"),
        6: pattern(r"0|[1-9][0-9]{0,3}"),
        7: text(80, 0),
    }
)
SHAPES: Final[Mapping[int, Shape]] = {LISTED: _LISTED, WITHDRAWN: Shape(), CLOSED: Shape(), RELISTED: _LISTED}
due_key: Final = pattern(r"[0-9A-Z]{4,20}-(0|[1-9][0-9]{0,3})")


def _of(kind: int, key: str, body: Mapping[int, Any]) -> NewFact:
    return NewFact(kind, DUE, key, body_of(SHAPES[kind], body))


def listed(
    key: str, *, name: str, sex: str, ward: str, discharged_on: str, initials: str, settles: bool = False
) -> NewFact:
    """The record is to be collected on the ward. `settles`: a person has looked at what stood there before."""
    number, _, stay = key.rpartition("-")
    body = {1: name, 2: sex, 3: ward, 4: discharged_on, 5: number, 6: stay, 7: initials}
    return _of(RELISTED if settles else LISTED, key, body)


def withdrawn(key: str) -> NewFact:
    """Not due any more: the discharge or the admission was cancelled."""
    return _of(WITHDRAWN, key, {})


def closed(key: str) -> NewFact:
    """The records room has it."""
    return _of(CLOSED, key, {})
