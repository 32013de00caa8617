"""Registering, changing and disabling people. Badge texts, PINs and passwords are hashed here and go no further."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from argon2 import PasswordHasher

from hub.features.people import store as tables
from hub.features.people.store import PersonRow
from hub.store.desk import Desk
from sync.domain.people import facts
from sync.domain.people.badges import badge_hash
from sync.domain.people.rights import ROLES
from sync.kernel.outcome import Refused

PIN = re.compile(r"[0-9]{4,8}")
USER = re.compile(r"[A-Za-z0-9._-]{1,30}")
WARD = re.compile(r"[A-Za-z0-9._-]{1,20}")
PASSWORD_CHARS_MIN, PASSWORD_CHARS_MAX = 8, 256
_hasher = PasswordHasher()
_pin_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""A hand-held checks PINs on a slow core: the second recommended choice. Source: OWASP Password Storage Cheat Sheet."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a form or a program asks for. An empty badge, PIN or password leaves what is there."""

    user: str
    name: str
    roles: Sequence[str]
    ward: str = ""
    badge: str = ""
    pin: str = ""
    password: str = ""
    lang: str = "zh-CN"


class People:
    """Writes facts of people; `site` binds badge hashes to this site."""

    def __init__(self, desk: Desk, site: str) -> None:
        self._desk = desk
        self._site = site

    def all(self) -> list[PersonRow]:
        with self._desk.store.read() as conn:
            return tables.people(conn)

    def one(self, user_id: str) -> PersonRow | None:
        with self._desk.store.read() as conn:
            return tables.person(conn, user_id)

    def names(self) -> dict[str, str]:
        with self._desk.store.read() as conn:
            return tables.names(conn)

    def account(self, login: str) -> PersonRow | None:
        """By user id, with or without its `u-`, or by a name that only one person bears."""
        with self._desk.store.read() as conn:
            found = tables.person(conn, login) or tables.person(conn, f"u-{login}")
            if found is None and len(same := tables.by_name(conn, login)) == 1:
                found = same[0]
        return found

    def has_administrator(self) -> bool:
        with self._desk.store.read() as conn:
            return bool(tables.administrators(conn))

    def save(self, wish: Wish, actor: str | None, *, new: bool) -> str | Refused:
        """The user id. Refused `person.*`."""
        if no := _check(wish, new):
            return no
        user_id = wish.user if wish.user.startswith("u-") else f"u-{wish.user}"
        held = self.one(user_id)
        if new and held is not None and held.active:
            return Refused("person.taken")
        if not new and held is None:
            return Refused("person.gone")
        badge = badge_hash(wish.badge, self._site) if wish.badge.strip() else held.badge if held else None
        if badge is None:
            # Nobody can scan a hash of drawn bytes: a person without a badge has one all the same.
            badge = self._desk.store.entropy.bytes(16)
        with self._desk.store.read() as conn:
            other = tables.by_badge(conn, badge)
        if other is not None and other.user_id != user_id:
            return Refused("person.badge-taken")
        if held is not None and not new and self._last_administrator(user_id) and "administrator" not in wish.roles:
            return Refused("person.last-administrator")
        pin_hash = _pin_hasher.hash(wish.pin) if wish.pin else held.pin_hash if held else None
        fact = facts.person(
            user_id,
            name=wish.name.strip(),
            roles=wish.roles,
            badge_hash=badge,
            ward=wish.ward or None,
            pin_hash=pin_hash,
            lang=wish.lang,
            known=not new,
        )
        password = _hasher.hash(wish.password) if wish.password else None
        with self._desk.write(actor) as unit:
            unit.append(fact)
            if password:
                unit.append(facts.password_set(user_id, password))
            self._desk.note(unit, "person.registered" if new else "person.changed", etype=facts.PERSON, key=user_id)
        self._desk.settle()
        return user_id

    def disable(self, user_id: str, actor: str) -> Refused | None:
        """Refused `person.gone`, `person.self`, `person.last-administrator`."""
        held = self.one(user_id)
        if held is None or not held.active:
            return Refused("person.gone")
        if user_id == actor:
            return Refused("person.self")
        if self._last_administrator(user_id):
            return Refused("person.last-administrator")
        with self._desk.write(actor) as unit:
            unit.append(facts.disabled(user_id))
            self._desk.note(unit, "person.disabled", etype=facts.PERSON, key=user_id)
        self._desk.settle()
        return None

    def _last_administrator(self, user_id: str) -> bool:
        with self._desk.store.read() as conn:
            return tables.administrators(conn) == [user_id]


def _check(wish: Wish, new: bool) -> Refused | None:
    user = wish.user.removeprefix("u-")
    if not USER.fullmatch(user):
        return Refused("person.user")
    name = wish.name.strip()
    if not 1 <= len(name) <= 80 or not name.isprintable():
        return Refused("person.name")
    if not wish.roles or any(role not in ROLES for role in wish.roles):
        return Refused("person.roles")
    if wish.ward and not WARD.fullmatch(wish.ward):
        return Refused("person.ward")
    if "nurse" in wish.roles and not wish.ward:
        return Refused("person.nurse-ward")
    if wish.pin and not PIN.fullmatch(wish.pin):
        return Refused("person.pin")
    if wish.password and not PASSWORD_CHARS_MIN <= len(wish.password) <= PASSWORD_CHARS_MAX:
        return Refused("person.password", {"least": PASSWORD_CHARS_MIN})
    if wish.lang not in facts.LANGUAGES:
        return Refused("person.lang")
    if not (4 <= len(wish.badge.strip()) <= 64 or not wish.badge) or not wish.badge.isprintable():
        return Refused("person.badge")
    return None
