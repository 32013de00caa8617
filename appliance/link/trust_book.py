"""Whom this box believes: the newest trust bundle it was given, and what it signs with itself.

A bundle is adopted when its version is higher and a hub key signed it that the bundle in force has, or that one of its
keys leads to; the version never falls. What was kept, like a snapshot, counts under any key of the hub's, old or new;
what is said now counts only under one that is not over by the hub time that this box has heard.
Source: protocol way/1, section 7.4.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sync.kernel import canonical
from sync.kernel.limits import MESSAGE_BODY_BYTES_MAX
from sync.kernel.outcome import PeerFault
from sync.kernel.suite import Suite
from sync.protocol import message
from sync.protocol.handover import led_to
from sync.protocol.message import KeysOf, Message, make_message, open_message, parse_short_header
from sync.protocol.trust import Trust

_KEPT = frozenset({message.MANIFEST})
"""Signed once and served for as long as it is kept; a message of any other type was made when it was sent."""


@dataclass(frozen=True)
class BoxKeys:
    """This box's name, its secret signing key, 32 raw bytes, and its site's suite.

    `former`: public keys that it signed with before.
    """

    node: str
    signing: bytes
    suite: Suite
    former: tuple[bytes, ...] = ()

    @cached_property
    def signing_public(self) -> bytes:
        return self.suite.signing_public(self.signing)

    @cached_property
    def key_id(self) -> bytes:
        return self.suite.key_id(self.signing_public)


class TrustBook:
    """The bundle in force. Any thread may ask; one adopts."""

    def __init__(
        self, keys: BoxKeys, raw: bytes, save: Callable[[bytes], None], heard_ms: Callable[[], int] = lambda: 0
    ) -> None:
        """`raw`: the bundle put on disk at enrolment or later; it is believed because of where it lies.

        `save` makes a newer one durable before it is used. `heard_ms`: the last hub time that the hub has signed.
        """
        header = parse_short_header(raw)
        self.keys = keys
        self.hub = header.signer
        self._vouched: dict[bytes, bytes] = {}
        self.raw = raw
        self._save = save
        self._heard_ms = heard_ms
        self._lock = threading.Lock()
        self._trust = _trust_in(raw)

    @property
    def own(self) -> Mapping[bytes, bytes]:
        """Public keys by their id that may have signed what this box sent, as it knows or the hub vouched."""
        keys = self.keys
        own = {keys.suite.key_id(public): public for public in keys.former}
        return own | self._vouched | {keys.key_id: keys.signing_public}

    def vouched(self, public: bytes) -> None:
        """The hub says that this was a key of this box: of a process whose disk is another now."""
        self._vouched[self.keys.suite.key_id(public)] = public

    @property
    def version(self) -> int:
        return self._trust.version

    @property
    def seal_to(self) -> bytes:
        """The hub's sealing key for new batches. The bundle lists them oldest first."""
        if not self._trust.sealing:
            raise PeerFault("trust.sealing-missing")
        return self._trust.sealing[-1][0]

    def hub_key(self, signer: str, key_id: bytes) -> bytes | None:
        """The hub's public key of that id, None for anybody else's."""
        trust = self._trust
        if signer != self.hub or trust.is_revoked(signer, key_id):
            return None
        return trust.hub_key(key_id)

    def open(self, raw: bytes) -> Message:
        """A message of the hub's for this box or for everyone. Raises PeerFault; `message.key-over` for an old key."""
        header = parse_short_header(raw)
        if header.signer == self.hub and header.type not in _KEPT and self._is_over(header.key_id):
            raise PeerFault("message.key-over")
        keys = self._keys_for(raw) if header.type == message.TRUST else self.hub_key
        return open_message(raw, suite=self.keys.suite, keys=keys, audience=self.keys.node)

    def _is_over(self, key_id: bytes) -> bool:
        return self._trust.is_over(key_id, self._heard_ms())

    def _keys_for(self, raw: bytes) -> KeysOf:
        """Who may have signed this bundle: keys that were believed before it, and those that they lead to in it."""
        led = led_to(self._trust, _trust_in(raw), self.hub, self.keys.suite, self._heard_ms())
        return lambda signer, key_id: led.get(key_id) if signer == self.hub else None

    def adopt(self, raw: bytes) -> bool:
        """Take a newer bundle. False: it is not newer. Raises PeerFault when nobody we believe signed it."""
        opened = self.open(raw)
        if opened.type != message.TRUST:
            raise PeerFault("trust.body")
        fresh = Trust.read(opened.body)
        with self._lock:
            if fresh.version <= self._trust.version:
                return False
            self._save(raw)
            self._trust, self.raw = fresh, raw
        return True

    def say(self, kind: int, body: Mapping[int, Any], epoch: int) -> bytes:
        """A message to the hub, signed by this box."""
        return make_message(
            kind,
            body,
            signer=self.keys.node,
            audience=self.hub,
            epoch=epoch,
            signing_key=self.keys.signing,
            key_id=self.keys.key_id,
            suite=self.keys.suite,
        )


def _trust_in(raw: bytes) -> Trust:
    """What a message says that nobody has proven yet. Raises PeerFault."""
    return Trust.read(canonical.decode(raw[message.SIGNED_BYTES :], max_bytes=MESSAGE_BODY_BYTES_MAX))
