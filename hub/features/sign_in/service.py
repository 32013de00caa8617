"""Who is at the screen. Tokens are 32 random bytes as hex; the hub keeps their hash."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Protocol

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hub.features.sign_in import store as tables
from hub.store.desk import Desk
from kiosk_ui.kit.port import Principal
from sync.kernel.outcome import Refused

SHIFT_MS = 12 * 3600 * 1000
FREE_TRIES = 5
WAIT_MS = 30_000
_hasher = PasswordHasher()
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$MDEyMzQ1Njc4OWFiY2RlZg$QH2Xv4pW2n0x1Wm6vRkqOqv3F5pXxVZyJkW3zq3mJ3Y"
"""Verified when a name is unknown, so that known and unknown names take the same time."""


class Account(Protocol):
    """What another feature knows of a person."""

    @property
    def user_id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def roles(self) -> tuple[str, ...]: ...
    @property
    def ward(self) -> str | None: ...
    @property
    def lang(self) -> str: ...
    @property
    def rights(self) -> frozenset[str]: ...
    @property
    def argon2(self) -> str | None: ...


class SignIn:
    """`account` finds by what was typed, `person` by user id; both are the people feature's answers."""

    def __init__(
        self, desk: Desk, account: Callable[[str], Account | None], person: Callable[[str], Account | None]
    ) -> None:
        self._desk = desk
        self._account = account
        self._person = person

    def sign_in(self, login: str, password: str) -> tuple[str, Principal] | Refused:
        """A new session's token and who it is. Refused `sign-in.unknown`, `sign-in.wait`, `sign-in.no-rights`."""
        store, now = self._desk.store, self._desk.now_ms()
        login = login.strip()[:80]
        found = self._account(login)
        who = _digest(found.user_id if found else login)
        with store.read() as conn:
            failed, until = tables.failures(conn, who)
        if now < until <= now + WAIT_MS:
            return Refused("sign-in.wait", {"seconds": (until - now) // 1000 + 1})
        right = _fits(found.argon2 if found and found.argon2 else _NOBODY, password[:256])
        if found is None or not found.argon2 or not right:
            with store.write() as unit:
                tables.forget_old_failures(unit.conn, now - SHIFT_MS)
                tables.set_failures(unit.conn, who, failed + 1, now + WAIT_MS if failed + 1 >= FREE_TRIES else now)
                self._desk.note(unit, "sign-in", ok=False)
            return Refused("sign-in.unknown")
        if not found.rights:
            return Refused("sign-in.no-rights")
        token = self._desk.new_key(32)
        with store.write(actor=found.user_id) as unit:
            tables.begin(unit.conn, _digest(token), found.user_id, now, now + SHIFT_MS)
            tables.set_failures(unit.conn, who, 0, 0)
            self._desk.note(unit, "sign-in")
        return token, _principal(found)

    def sign_out(self, token: str, user_id: str) -> None:
        with self._desk.store.write(actor=user_id) as unit:
            tables.end(unit.conn, _digest(token))
            self._desk.note(unit, "sign-out")

    def who(self, token: str) -> Principal | None:
        """The person of a session, if both still stand."""
        with self._desk.store.read() as conn:
            user_id = tables.user_of(conn, _digest(token), self._desk.now_ms())
        person = self._person(user_id) if user_id else None
        return _principal(person) if person is not None and person.rights else None


def _principal(person: Account) -> Principal:
    lang = "en" if person.lang == "en" else "zh"
    return Principal(person.user_id, person.name, frozenset(person.roles), person.rights, person.ward, lang)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def _fits(argon2: str, password: str) -> bool:
    try:
        return _hasher.verify(argon2, password)
    except (VerificationError, InvalidHashError):
        return False
