"""Signing keys of machines: which of them counts now, how another takes its place, and the hub's record of it.

The change comes as a fact, which is how it is remembered, and as a message where facts are not taken: a machine whose
disk was put back has a key that is over, and asks with it for the next. Either says the same, and both may come, in any
order and more than once. Source: protocol way/1, section 7.5.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hub.link.voice import Voice
from provisioning.trust.identity import make_identity
from sync.adapters.sqlite_log import hub_keys
from sync.adapters.sqlite_log.hub_keys import NodeKey
from sync.adapters.sqlite_log.hub_store import HubStore, NodeRow, node_row
from sync.adapters.sqlite_log.node_store import Change, Unit
from sync.domain.fleet import facts
from sync.kernel.canonical import encode
from sync.kernel.limits import KEY_OVERLAP_MS, RENEW_DAYS
from sync.kernel.outcome import PeerFault
from sync.protocol import message
from sync.protocol.key_change import KeyChange
from sync.protocol.message import Message
from sync.protocol.trust import Identity

_DAY_MS = 24 * 3600 * 1000
GONE = ("revoked", "closed")


Tell = Callable[[str, bytes], None]
"""(node, message) -> told, where the line allows it."""


class KeyDesk:
    """Holds nothing that changes. `tell`: how machines hear at once of a key that was taken."""

    def __init__(self, store: HubStore, voice: Voice, tell: Tell = lambda node, raw: None) -> None:
        self._store = store
        self._voice = voice
        self._tell = tell

    def open(self, raw: bytes, row: NodeRow, *, ended: bool = False) -> Message:
        """A message of the machine's to this hub. `ended`: its key may be one that counts no more. Raises PeerFault."""
        now_ms = 0 if ended else self._voice.hub_ms()
        return message.open_message(
            raw,
            suite=self._voice.suite,
            keys=lambda _node, key_id: row.public(key_id, now_ms),
            audience=self._store.node,
        )

    def records(self, row: NodeRow, signed_by: NodeKey) -> list[bytes]:
        """For a machine whose key another takes the place of: the record of each other one; it knows which is its."""
        if signed_by.until_ms is None or row.state in GONE:
            return []
        return [self._record(row, key.public, key.tls) for key in row.keys if key.key_id != signed_by.key_id]

    def asked(self, raw: bytes, row: NodeRow) -> Message:
        """A machine asks for what is to replace a key or certificate, with a key it has or had until not long ago.

        Raises PeerFault `renew.key`, `renew.too-late`, `message.*`.
        """
        opened = self.open(raw, row, ended=True)
        held = row.key(opened.key_id)
        if row.state in GONE or held is None:
            raise PeerFault("renew.key")
        if not held.counts(self._voice.hub_ms() - RENEW_DAYS * _DAY_MS):
            raise PeerFault("renew.too-late")
        return opened

    def renew(self, raw: bytes, row: NodeRow) -> list[bytes]:
        """A machine asks for another key with one it has, or had until not long ago. Raises PeerFault `renew.*`."""
        opened = self.asked(raw, row)
        asked = KeyChange.read(opened.body)
        held = row.key(asked.before)
        if held is None or opened.key_id != asked.before:
            raise PeerFault("renew.key")
        if not asked.is_proven(self._voice.suite, row.node, held.public):
            raise PeerFault("renew.proof")
        if row.key(self._voice.suite.key_id(asked.public)) is None:
            with self._store.write(step="node.key") as unit:
                if not self._take(unit, row.node, asked):
                    raise PeerFault("renew.too-many")
        return [self._record(row, asked.public, asked.tls)]

    def follow(self, unit: Unit, change: Change, state: Any) -> None:
        """In the digest's own transaction: a fact says that a machine goes over to another key."""
        fact, fid = change.fact, change.fid
        if fact is None or fid is None or fact.kind != facts.KEY_CHANGED or fid.node != change.key:
            return
        row = node_row(unit.conn, "node", fid.node)
        try:
            said = KeyChange.read(fact.body)
        except PeerFault:
            return
        held = None if row is None else row.key(said.before)
        if row is None or held is None:
            return
        if said.is_proven(self._voice.suite, row.node, held.public) and self._take(unit, row.node, said):
            record = self._record(row, said.public, said.tls)
            unit.on_commit(lambda: self._tell(fid.node, record))

    def _take(self, unit: Unit, node: str, said: KeyChange) -> bool:
        row = node_row(unit.conn, "node", node, held=True)
        if row is None or row.state in GONE:
            return False
        now_ms = self._voice.hub_ms()
        key = NodeKey(self._voice.suite.key_id(said.public), said.public, now_ms, None, said.tls)
        return hub_keys.change(unit.conn, node, said.before, key, now_ms + KEY_OVERLAP_MS, encode(said.body()))

    def _record(self, row: NodeRow, public: bytes, tls: bytes) -> bytes:
        voice = self._voice
        identity = Identity(row.node, row.role, voice.suite.number, public, row.sealing_public, tls, voice.hub_ms())
        return make_identity(
            identity, hub=self._store.node, epoch=self._store.epoch, signing_key=voice.keys.signing, suite=voice.suite
        )
