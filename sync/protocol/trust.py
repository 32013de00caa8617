"""Whom to believe: the hub's trust bundle, and the record by which a node is known.

Source: protocol way/1, section 1 (identity record) and 7.4 (trust bundle).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sync.kernel.ids import NODE_PATTERN
from sync.kernel.outcome import PeerFault
from sync.kernel.suite import PUBLIC_BYTES, SIGNATURE_BYTES
from sync.protocol.fields import COUNT, H8, INCARNATION, LANE, Fields, H, anything, count, raw, raw_up_to, text
from sync.protocol.key_change import KeyChange

CERTIFICATE_BYTES_MAX = 4096
HUB_KEYS_MAX = 64

_TRUST, _IDENTITY = "trust.body", "identity.body"


def _key(value: object) -> bool:
    """A public key of some suite; whether of the site's own shows where it is used."""
    return type(value) is bytes and len(value) in PUBLIC_BYTES.values()


def _node(value: object) -> bool:
    return type(value) is str and bool(NODE_PATTERN.fullmatch(value))


@dataclass(frozen=True, slots=True)
class HubKey:
    """A signing key of the hub, good for messages made from `from_ms` to before `to_ms` (hub time, ms)."""

    key_id: bytes
    public: bytes
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class Revoked:
    """A key that counts no longer, except for facts up to `last_good`: (incarnation, lane, seq) per stream."""

    node: str
    key_id: bytes
    last_good: tuple[tuple[int, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Trust:
    """The bundle. `authorities` are CA certificates in DER; `signers` are keys for updates.

    `root_signatures`: (key id, signature) where settings ask for them. `sealing`: (public key of the hub that batches
    are sealed to, from ms), newest last; `handovers`: what two keys of the hub said when the one took the place of the
    other, as a node's do: fields that the page leaves open (numbers 7 and 8).
    """

    version: int
    hub_keys: tuple[HubKey, ...]
    authorities: tuple[bytes, ...] = ()
    revoked: tuple[Revoked, ...] = ()
    signers: tuple[bytes, ...] = ()
    root_signatures: tuple[tuple[bytes, bytes], ...] = ()
    sealing: tuple[tuple[bytes, int], ...] = ()
    handovers: tuple[KeyChange, ...] = ()

    def body(self) -> Mapping[int, Any]:
        """The numbered map."""
        made: dict[int, Any] = {
            1: self.version,
            2: [(k.key_id, k.public, k.from_ms, k.to_ms) for k in self.hub_keys],
            3: self.authorities,
            4: [(r.node, r.key_id, r.last_good) for r in self.revoked],
            5: self.signers,
            6: self.root_signatures,
            7: self.sealing,
        }
        return made | {8: [each.body() for each in self.handovers]} if self.handovers else made

    @classmethod
    def read(cls, body: object) -> Trust:
        """Raises PeerFault `trust.body`, `key.body`."""
        fields = Fields(body, _TRUST)
        revoked = []
        for node, key_id, last_good in fields.rows(4, _node, H8, anything):
            marks = Fields({1: last_good}, _TRUST).rows(1, INCARNATION, LANE, COUNT)
            revoked.append(Revoked(node, key_id, tuple((i, lane, seq) for i, lane, seq in marks)))
        return cls(
            version=fields.one(1, COUNT),
            hub_keys=tuple(HubKey(*row) for row in fields.rows(2, H8, _key, COUNT, COUNT, most=HUB_KEYS_MAX)),
            authorities=fields.values(3, raw_up_to(CERTIFICATE_BYTES_MAX), most=8),
            revoked=tuple(revoked),
            signers=fields.values(5, _key, most=16),
            root_signatures=tuple((k, s) for k, s in fields.rows(6, H8, raw(SIGNATURE_BYTES), most=16)),
            sealing=tuple((key, at) for key, at in fields.rows(7, _key, COUNT, most=16)),
            handovers=tuple(map(KeyChange.read, fields.list(8, HUB_KEYS_MAX))),
        )

    def hub_key(self, key_id: bytes) -> bytes | None:
        """The public key of a hub key id, whatever its dates: old messages stay verifiable."""
        return next((key.public for key in self.hub_keys if key.key_id == key_id), None)

    def is_over(self, key_id: bytes, now_ms: int) -> bool:
        """Whether a key of the hub's may sign nothing new at this hub time. One that is not named here is not over."""
        return any(key.key_id == key_id and key.to_ms <= now_ms for key in self.hub_keys)

    def is_revoked(self, node: str, key_id: bytes) -> bool:
        """Whether new messages under this key count no more."""
        return any(row.node == node and row.key_id == key_id for row in self.revoked)


@dataclass(frozen=True, slots=True)
class Identity:
    """What the hub vouches for about a node. `tls`: SHA-256 of its TLS public key (SPKI, DER). Times in hub ms.

    The node keeps the signed message and shows it to a hub that does not know it.
    """

    node: str
    role: str
    suite: int
    signing: bytes
    sealing: bytes
    tls: bytes
    issued_ms: int

    def body(self) -> Mapping[int, Any]:
        """The numbered map."""
        return {
            1: self.node,
            2: self.role,
            3: self.suite,
            4: self.signing,
            5: self.sealing,
            6: self.tls,
            7: self.issued_ms,
        }

    @classmethod
    def read(cls, body: object) -> Identity:
        """Raises PeerFault `identity.body`."""
        fields = Fields(body, _IDENTITY)
        found = cls(
            node=fields.one(1, _node),
            role=fields.one(2, text(32)),
            suite=fields.one(3, count(255)),
            signing=fields.one(4, _key),
            sealing=fields.one(5, _key),
            tls=fields.one(6, H),
            issued_ms=fields.one(7, COUNT),
        )
        if {len(found.signing), len(found.sealing)} != {PUBLIC_BYTES.get(found.suite)}:
            raise PeerFault(_IDENTITY)
        return found


@dataclass(frozen=True, slots=True)
class Certified:
    """A node's certificate for its line, DER: its last one when it asks for the next, the next in the answer."""

    der: bytes

    def body(self) -> Mapping[int, Any]:
        """The numbered map."""
        return {1: self.der}

    @classmethod
    def read(cls, body: object) -> Certified:
        """Raises PeerFault `certify.body`."""
        return cls(Fields(body, "certify.body").one(1, raw_up_to(CERTIFICATE_BYTES_MAX)))
