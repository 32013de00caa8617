"""A person and a credential. Law `register`: the last write in order stands as a whole.

`unknown` is a person of whom only a disabling was heard. A disabled person who is changed stays disabled; only a new
registration, which somebody meant, lets them in again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sync.domain.people import facts
from sync.domain.people.rights import rights_of
from sync.kernel.fact import Annotation, Fact
from sync.kernel.ids import FactId
from sync.merge.machine import Table, next_state

UNKNOWN, ACTIVE, DISABLED = "unknown", "active", "disabled"

PERSON_MACHINE: Final[Table] = {
    (UNKNOWN, "registered"): ACTIVE,
    (UNKNOWN, "changed"): ACTIVE,
    (UNKNOWN, "disabled"): DISABLED,
    (ACTIVE, "disabled"): DISABLED,
    (DISABLED, "registered"): ACTIVE,
}
_WORDS: Final = {facts.REGISTERED: "registered", facts.CHANGED: "changed", facts.DISABLED: "disabled"}


@dataclass(slots=True)
class Person:
    """A value. `rights` follow from the roles and are none unless the person is active."""

    status: str = UNKNOWN
    name: str = ""
    roles: tuple[str, ...] = ()
    ward: str | None = None
    badge_hash: bytes = b""
    pin_hash: str | None = None
    lang: str = "zh-CN"
    extra: dict[int, Any] = field(default_factory=dict)

    @property
    def rights(self) -> frozenset[str]:
        """What the person may do."""
        return rights_of(self.roles) if self.status == ACTIVE else frozenset()


def fold_person(state: Person, fact: Fact, fid: FactId, ann: Annotation) -> Person:
    """Who the person is now."""
    word = _WORDS.get(fact.kind)
    if word is None:
        return state
    status = next_state(PERSON_MACHINE, state.status, word)
    if fact.kind == facts.DISABLED:
        return replace(state, status=status)
    body = fact.body
    return Person(status, body[1], tuple(body[2]), body.get(3), body[4], body.get(5), body[6], state.extra)


_PLAIN: Final = ("status", "name", "ward", "badge_hash", "pin_hash", "lang")


def dump_person(state: Person) -> dict[int, Any]:
    """Numbered map."""
    made = {number: value for number, name in enumerate(_PLAIN, 1) if (value := getattr(state, name)) is not None}
    made[7] = list(state.roles)
    return made | state.extra


def load_person(kept: Mapping[int, Any]) -> Person:
    """Back."""
    plain = {name: kept[number] for number, name in enumerate(_PLAIN, 1) if number in kept}
    extra = {number: value for number, value in kept.items() if number > 7}
    return Person(**plain, roles=tuple(kept.get(7, ())), extra=extra)


@dataclass(slots=True)
class Credential:
    """A value: the password's Argon2 text and since when."""

    argon2: str | None = None
    set_at_ms: int | None = None
    extra: dict[int, Any] = field(default_factory=dict)


def fold_credential(state: Credential, fact: Fact, fid: FactId, ann: Annotation) -> Credential:
    """The newest password counts."""
    if fact.kind != facts.PASSWORD_SET:
        return state
    return Credential(fact.body[1], fact.at_ms, state.extra)


def dump_credential(state: Credential) -> dict[int, Any]:
    """Numbered map."""
    made: dict[int, Any] = {} if state.argon2 is None else {1: state.argon2, 2: state.set_at_ms}
    return made | state.extra


def load_credential(kept: Mapping[int, Any]) -> Credential:
    """Back."""
    return Credential(kept.get(1), kept.get(2), {number: value for number, value in kept.items() if number > 2})
