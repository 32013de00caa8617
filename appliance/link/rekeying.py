"""A box goes over to another signing key: drawn, said in a fact, signed for by the hub, put in force.

Each step is durable before the next begins, and each may be done again: a process that dies anywhere goes on from what
lies on the disk. Until the hub's record of the new key is there the box signs with the old one, which the hub takes.
Work never waits for any of it. Source: protocol way/1, section 7.5.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from appliance.link.trust_book import TrustBook
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.meta import set_meta
from sync.domain.fleet import facts
from sync.kernel import canonical
from sync.kernel.outcome import PeerFault
from sync.protocol import message
from sync.protocol.key_change import KeyChange, make_change
from sync.protocol.trust import Identity

_SAID = "key_said"
"""Id of the next key that a fact in this database tells of."""


class Files(Protocol):
    """The key folder. What writes raises Unavailable."""

    @property
    def signing(self) -> bytes: ...

    @property
    def next(self) -> bytes | None: ...

    @property
    def former(self) -> tuple[bytes, ...]: ...

    @property
    def identity(self) -> bytes: ...

    def draw(self) -> bytes: ...

    def keep_identity(self, raw: bytes) -> None: ...

    def put_in_force(self) -> None: ...


class Rekeying:
    """One box's. Used by the thread of its line."""

    def __init__(self, store: ApplianceStore, book: TrustBook, files: Files) -> None:
        self._store = store
        self._book = book
        self._files = files
        self._told_of_another = False

    @property
    def identity(self) -> bytes:
        """The hub's record of this box, to show it to a hub that has forgotten."""
        return self._files.identity

    def begin(self) -> None:
        """Go over to another key, unless it does already. Raises Unavailable."""
        self._files.draw()
        self.settle()

    def settle(self) -> None:
        """Go on with a change from where it stands. Raises Unavailable."""
        coming = self._files.next
        if coming is None:
            return
        suite = self._book.keys.suite
        public = suite.signing_public(coming)
        recorded = _read(self.identity)
        if recorded is not None and recorded.signing == public:
            self._put_in_force()
        elif self._store.meta(_SAID) != suite.key_id(public):
            with self._store.write(step="key.change") as unit:
                unit.append(facts.key_changed(self._store.node, self._change(coming).body()))
                set_meta(unit.conn, _SAID, suite.key_id(public))

    def hear(self, record: Identity, raw: bytes) -> bool:
        """A record of a key of this box. True: of the one to come, which is in force now. Raises Unavailable."""
        keys, coming = self._book.keys, self._files.next
        self._book.vouched(record.signing)
        if coming is not None and record.signing == keys.suite.signing_public(coming):
            self._files.keep_identity(raw)
            self._put_in_force()
            return True
        if record.signing == keys.signing_public:
            self._files.keep_identity(raw)
        else:
            self._told_of_another = True
        return False

    def shown(self, epoch: int) -> list[bytes]:
        """For a hub that does not know this box, or takes its key no more: the record, and what is to come.

        A key that is over, while the hub has another one that this disk has not: the next one is drawn. Raises
        Unavailable.
        """
        if self._told_of_another and self._files.next is None:
            self._told_of_another = False
            self.begin()
        return [*([self.identity] if self.identity else []), *self.asked(epoch)]

    def asked(self, epoch: int) -> list[bytes]:
        """The request for the key that is to come, which says what the fact says; nothing where none is."""
        coming = self._files.next
        return [] if coming is None else [self._book.say(message.RENEW, self._change(coming).body(), epoch)]

    def hear_carried(self, record: Identity, raw: bytes) -> None:
        """A record that came on a stick, while no process writes facts. A key that is over gets a next one to ask for.

        Raises Unavailable.
        """
        if not self.hear(record, raw) and self._told_of_another and self._files.next is None:
            self._files.draw()

    def _put_in_force(self) -> None:
        self._files.put_in_force()
        self._book.keys = replace(self._book.keys, signing=self._files.signing, former=self._files.former)
        self._told_of_another = False

    def _change(self, coming: bytes) -> KeyChange:
        keys, recorded = self._book.keys, _read(self.identity)
        tls = bytes(32) if recorded is None else recorded.tls
        return make_change(keys.suite, keys.node, keys.signing, coming, tls)


def _read(raw: bytes) -> Identity | None:
    """The record in a file of our own: it was checked when it was put there."""
    try:
        return Identity.read(canonical.decode(raw[message.SIGNED_BYTES :]))
    except PeerFault:
        return None
