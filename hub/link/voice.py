"""What the hub says, signed: acknowledgements, welcomes, heads, segments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from provisioning.trust.node_keys import NodeKeys
from sync.adapters.sqlite_log.hub_feeds import HeadRow
from sync.adapters.sqlite_log.hub_inbound import StreamMark
from sync.adapters.sqlite_log.hub_store import HubStore
from sync.kernel import hlc
from sync.kernel.ids import StreamId
from sync.kernel.suite import Suite
from sync.protocol import message
from sync.protocol.ack import Ack, Credit, StreamAck
from sync.protocol.notices import HELLO_WANTED, Head, Notice, ScopeHead
from sync.protocol.segment import make_segment
from sync.protocol.snapshot import Manifest


@dataclass(frozen=True)
class HubKeys:
    """The hub's secrets for messages, each 32 raw bytes, and the site's suite.

    `former`: public keys that it signed with before.
    """

    signing: bytes
    sealing: bytes
    suite: Suite
    former: tuple[bytes, ...] = ()

    @cached_property
    def public(self) -> bytes:
        """The public half of the signing key."""
        return self.suite.signing_public(self.signing)

    @cached_property
    def key_id(self) -> bytes:
        return self.suite.key_id(self.public)

    @cached_property
    def own(self) -> Mapping[bytes, bytes]:
        """Public keys by their id that signed what is this hub's own."""
        return {self.suite.key_id(public): public for public in (*self.former, self.public)}


def keys_of(keys: NodeKeys) -> HubKeys:
    """What the hub's key folder holds of them now."""
    return HubKeys(keys.signing, keys.sealing, keys.suite, keys.files.former)


@dataclass(frozen=True, slots=True)
class TrustBundle:
    """The newest signed bundle: `raw` is the message as appliances get it."""

    version: int
    raw: bytes


class Voice:
    """Signs for one hub, from any thread. `keys` may be exchanged for others at any moment, whole."""

    def __init__(self, store: HubStore, keys: HubKeys, trust: Callable[[], TrustBundle | None]) -> None:
        self.store = store
        self.keys = keys
        self.trust = trust
        self.suite = keys.suite

    @property
    def public(self) -> bytes:
        return self.keys.public

    @property
    def key_id(self) -> bytes:
        return self.keys.key_id

    def own_key(self, signer: str, key_id: bytes) -> bytes | None:
        """For what this hub once signed, shown back to it: the public key, of now or of before."""
        return self.keys.own.get(key_id) if signer == self.store.node else None

    def hub_time(self) -> int:
        """Hub time now, as an HLC that is not below anything the hub has stored."""
        return hlc.next_stamp(self.store.high, self.store.believed_wall_ms())

    def hub_ms(self) -> int:
        """Hub time now, ms since 1970 UTC."""
        return hlc.ms_of(self.hub_time())

    def say(self, kind: int, body: Mapping[int, Any], audience: str | None) -> bytes:
        keys = self.keys
        return message.make_message(
            kind,
            body,
            signer=self.store.node,
            audience=audience,
            epoch=self.store.epoch,
            signing_key=keys.signing,
            key_id=keys.key_id,
            suite=keys.suite,
        )

    def ack(
        self,
        node: str,
        streams: Sequence[StreamAck],
        credit: Credit | None = None,
        blobs: tuple[tuple[bytes, bool], ...] = (),
    ) -> bytes:
        return self.say(message.ACK, Ack(tuple(streams), self.hub_time(), credit, blobs).body(), node)

    def hello_wanted(self, node: str) -> bytes:
        """Asks a node to greet again: there is something that a welcome says."""
        return self.say(message.NOTICE, Notice(HELLO_WANTED, self.hub_time()).body(), node)

    def head(self, rows: Sequence[HeadRow], audience: str | None) -> bytes:
        """Where feeds stand; `audience` None for the retained topic that everyone who may read it shares."""
        scopes = tuple(ScopeHead(row.label, row.sseq, row.e, row.root) for row in rows)
        return self.say(message.HEAD, Head(scopes, self.hub_time()).body(), audience)

    def manifest(self, manifest: Manifest) -> bytes:
        """For every node that holds the scope: made once, with the snapshot."""
        return self.say(message.MANIFEST, manifest.body(), None)

    def segment(self, label: str, first: int, prev_e: bytes, head_e: bytes, entries: Sequence[bytes]) -> bytes:
        keys = self.keys
        return make_segment(
            hub=self.store.node,
            epoch=self.store.epoch,
            label=label,
            first=first,
            prev_e=prev_e,
            head_e=head_e,
            entries=entries,
            signing_key=keys.signing,
            key_id=keys.key_id,
            suite=keys.suite,
        )


Safe = Callable[[StreamId], int]
"""How far the hub's backups hold a stream; 0: not at all."""


def not_safe(_stream: StreamId) -> int:
    """No verified backup stands behind anything."""
    return 0


def stream_ack(node: str, mark: StreamMark, safe: Safe, refused: Iterable[tuple[int, str]] = ()) -> StreamAck:
    """What the hub signs for one stream of a node."""
    return StreamAck(
        mark.incarnation,
        mark.lane,
        mark.upto,
        mark.h,
        mark.state,
        mark.gaps,
        tuple(refused),
        mark.rejects,
        min(mark.upto, safe(StreamId(node, mark.incarnation, mark.lane))),
    )
