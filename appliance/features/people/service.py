"""Signing in with badge and PIN, with the line or without: nothing here asks the hub."""

from __future__ import annotations

import hashlib

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from appliance.features.people import store as people
from appliance.features.people.store import PersonRow
from sync.adapters.sqlite_log.node_store import NodeStore
from sync.domain.fleet.facts import noted
from sync.domain.people.badges import badge_hash
from sync.kernel.outcome import Refused

SHIFT_MS = 12 * 3600 * 1000
FREE_TRIES = 4
WAIT_MS = 30_000
_hasher = PasswordHasher()


class People:
    """Sessions of one box. Tokens are 32 random bytes as hex; only their hash is kept."""

    def __init__(self, store: NodeStore, site: str) -> None:
        self._store = store
        self._site = site

    def sign_in(self, badge: str, pin: str) -> tuple[str, PersonRow] | Refused:
        """A new session's token. After four wrong PINs in a row each further try waits 30 s."""
        hashed = badge_hash(badge, self._site)
        now = self._store.clock.wall_ms()
        with self._store.read() as conn:
            found = people.person_by_badge(conn, hashed)
            failed, until = people.failures(conn, hashed)
        if until > now and until - now <= WAIT_MS:
            return Refused("sign-in.wait", {"seconds": (until - now) // 1000 + 1})
        if found is None:
            # Nobody's badge: nothing to guess at, and nobody to lock out before the list of people has come.
            self._store.tally("sign-in.unknown-badge")
            return Refused("sign-in.unknown")
        if not (found.active and found.pin_hash is not None and _fits(found.pin_hash, pin)):
            with self._store.write() as unit:
                wait = now + WAIT_MS if failed + 1 > FREE_TRIES else 0
                people.set_failures(unit.conn, hashed, failed + 1, wait)
                unit.append(noted(self._store.node, "sign-in", ok=False))
            return Refused("sign-in.unknown")
        if not found.rights:
            return Refused("sign-in.no-rights")
        token = self._store.entropy.bytes(32).hex()
        with self._store.write(actor=found.user_id) as unit:
            people.begin_session(unit.conn, _digest(token), found.user_id, now, now + SHIFT_MS)
            people.set_failures(unit.conn, hashed, 0, 0)
            unit.append(noted(self._store.node, "sign-in", ok=True))
        return token, found

    def sign_out(self, token: str) -> None:
        with self._store.write() as unit:
            people.end_session(unit.conn, _digest(token))

    def who(self, token: str) -> PersonRow | None:
        """The person of a session, if both still stand."""
        with self._store.read() as conn:
            return people.person_of_session(conn, _digest(token), self._store.clock.wall_ms())

    def by_badge(self, badge: str) -> PersonRow | None:
        with self._store.read() as conn:
            return people.person_by_badge(conn, badge_hash(badge, self._site))

    def names(self) -> dict[str, str]:
        with self._store.read() as conn:
            return people.names(conn)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def _fits(pin_hash: str, pin: str) -> bool:
    try:
        return _hasher.verify(pin_hash, pin)
    except (VerificationError, InvalidHashError):
        return False
