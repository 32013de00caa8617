"""The hub's own signing key while the hub runs: gone over to on the day that the trust bundle has for it.

Whoever signs takes the key from the voice at that moment, so nobody has to start again. A key that is to be in force
and is not on this machine ends the process: what it would sign with the old one, no machine may believe.
Source: protocol way/1, section 7.4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hub.link.voice import Voice, keys_of
from provisioning.trust.bundle import Bundle
from provisioning.trust.site import SiteTrust
from sync.kernel.outcome import Refused, Unavailable

MISSING = "hub.key-missing"


@dataclass(frozen=True, slots=True)
class KeyToCome:
    """`here`: whether the key is on this machine. Without it the hub cannot go on from `from_ms`, hub time."""

    key_id: bytes
    from_ms: int
    here: bool


class OwnKey:
    """Of the hub's first worker; the others follow the files. `changed`: tell everybody of the bundle."""

    def __init__(
        self, trust: SiteTrust, voice: Voice, changed: Callable[[], None], end: Callable[[Unavailable], None]
    ) -> None:
        self._trust = trust
        self._voice = voice
        self._changed = changed
        self._end = end

    @property
    def to_come(self) -> KeyToCome | None:
        found = self._trust.key_to_come(self._voice.hub_ms())
        return None if found is None else KeyToCome(found[0].key_id, found[0].from_ms, found[1])

    def order(self, at_ms: int) -> Bundle | Refused:
        """Go over to another key at this hub time; every machine is told now. Refused `hub-key.*`."""
        done = self._trust.order_key(at_ms, now_ms=self._voice.hub_ms(), epoch=self._voice.store.epoch)
        if not isinstance(done, Refused):
            self._changed()
        return done

    def settle(self) -> None:
        """Before the first answer, and when a day may have come. Raises Unavailable `hub.key-missing`, `key.write`."""
        if self._trust.settle_key(self._voice.hub_ms(), self._voice.store.epoch):
            self._voice.keys = keys_of(self._trust.keys)
            self._changed()

    def look(self) -> None:
        """The same while others are being answered: a disk that takes nothing is tried again."""
        try:
            self.settle()
        except Unavailable as fault:
            if fault.code == MISSING:
                self._end(fault)
            self._voice.store.tally(fault.code)
