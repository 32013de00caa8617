"""What facts of people say. Entity types: 20 person, 21 credential (stays at the hub). Key: the user id `u-…`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sync.domain.people.rights import ROLES
from sync.kernel.fact import NewFact
from sync.merge.shape import Shape, body_of, octets, one_of, pattern, rows, text

PERSON: Final = 20
CREDENTIAL: Final = 21
REGISTERED, CHANGED, DISABLED, PASSWORD_SET = range(90, 94)

LANGUAGES: Final = ("zh-CN", "en")
user_key: Final = pattern(r"u-[A-Za-z0-9._-]{1,30}")

_PERSON: Final = Shape(
    {1: text(80), 2: rows(one_of(*ROLES), len(ROLES), 1), 4: octets(16), 6: one_of(*LANGUAGES)},
    {3: pattern(r"[A-Za-z0-9._-]{1,20}"), 5: pattern(r"\$argon2[!-~]{20,200}")},
)
SHAPES: Final[Mapping[int, Shape]] = {
    REGISTERED: _PERSON,
    CHANGED: _PERSON,
    DISABLED: Shape(),
    PASSWORD_SET: Shape({1: pattern(r"\$argon2[!-~]{20,200}")}),
}


def person(
    user: str,
    *,
    name: str,
    roles: Sequence[str],
    badge_hash: bytes,
    ward: str | None = None,
    pin_hash: str | None = None,
    lang: str = "zh-CN",
    known: bool = False,
) -> NewFact:
    """A person joins, or (`known`) all fields are set anew. `badge_hash` 16 bytes; `pin_hash` in Argon2's own form."""
    told = {1: name, 2: sorted(set(roles)), 3: ward, 4: badge_hash, 5: pin_hash, 6: lang}
    return NewFact(CHANGED if known else REGISTERED, PERSON, user, body_of(_PERSON, told))


def disabled(user: str) -> NewFact:
    """The person may not sign in any more."""
    return NewFact(DISABLED, PERSON, user, {})


def password_set(user: str, argon2_text: str) -> NewFact:
    """A new password, as Argon2's own text."""
    return NewFact(PASSWORD_SET, CREDENTIAL, user, body_of(SHAPES[PASSWORD_SET], {1: argon2_text}))
