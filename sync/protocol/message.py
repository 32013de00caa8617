"""The envelope of everything that is not facts or a segment: 56 bytes of header, a signature, a CBOR map.

Source: protocol way/1, section 4.2.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sync.kernel import canonical
from sync.kernel.ids import pad_node, unpad_node
from sync.kernel.limits import MESSAGE_BODY_BYTES_MAX
from sync.kernel.outcome import PeerFault
from sync.kernel.suite import NUMBERS, Suite

MAGIC = b"WAYM"
VERSION = 1
HEADER_BYTES = 56
SIGNED_BYTES = 120
"""Header and signature."""

ACK, HELLO, WELCOME, HEAD, LEASE, ASK, MANIFEST, TRUST, IDENTITY, ORDER, SETS, PARCEL, NOTICE = range(16, 29)
RENEW, CERTIFY = 29, 30
"""A node asks for another signing key, or its next certificate, by its own signature; the page has no number for it."""
NAMES: Mapping[int, str] = {
    ACK: "ack",
    HELLO: "hello",
    WELCOME: "welcome",
    HEAD: "head",
    LEASE: "lease",
    ASK: "ask",
    MANIFEST: "manifest",
    TRUST: "trust",
    IDENTITY: "identity",
    ORDER: "order",
    SETS: "sets",
    PARCEL: "parcel",
    NOTICE: "notice",
    RENEW: "renew",
    CERTIFY: "certify",
}

_LAYOUT = struct.Struct(">4s4B16s16s8sII")
_TYPE_AT = 6
_EVERYONE = bytes(16)
assert _LAYOUT.size == HEADER_BYTES

KeysOf = Callable[[str, bytes], bytes | None]
"""(signer, key id) -> that signer's public key, None when it has no such key or the key is revoked."""


@dataclass(frozen=True, slots=True)
class ShortHeader:
    """What an envelope claims, before anything is verified. `audience` None: everyone."""

    suite: int
    type: int
    signer: str
    audience: str | None
    key_id: bytes
    epoch: int
    body_bytes: int


@dataclass(frozen=True, slots=True)
class Message:
    """A verified message. `body` is the decoded map; the dataclasses of its type read the fields."""

    type: int
    signer: str
    audience: str | None
    key_id: bytes
    epoch: int
    body: dict[int, Any]


def is_message(raw: bytes) -> bool:
    """Whether bytes claim to be a short-header message; nothing is checked yet."""
    return raw[:4] == MAGIC


def is_ack(raw: bytes) -> bool:
    """Whether bytes claim to be an acknowledgement; nothing is checked yet."""
    return is_message(raw) and raw[_TYPE_AT : _TYPE_AT + 1] == bytes([ACK])


def make_message(
    type: int,
    body: Mapping[int, Any],
    *,
    signer: str,
    audience: str | None,
    epoch: int,
    signing_key: bytes,
    key_id: bytes | None = None,
    suite: Suite,
) -> bytes:
    """A signed message. `epoch`: the hub epoch that the signer knows. `audience` None: everyone."""
    data = canonical.encode(body)
    assert len(data) <= MESSAGE_BODY_BYTES_MAX and type in NAMES
    if key_id is None:
        key_id = suite.key_id(suite.signing_public(signing_key))
    to = _EVERYONE if audience is None else pad_node(audience)
    header = _LAYOUT.pack(MAGIC, VERSION, suite.number, type, 0, pad_node(signer), to, key_id, epoch, len(data))
    return header + suite.sign(signing_key, _said(type, header, suite.hash(data))) + data


def parse_short_header(raw: bytes) -> ShortHeader:
    """Lengths, caps and names; nothing is verified. Raises PeerFault `message.*`.

    A type of a newer version is `message.unknown-type`: count it and go on.
    """
    if len(raw) < SIGNED_BYTES:
        raise PeerFault("message.length")
    magic, ver, suite, kind, flags, signer, audience, key_id, epoch, body_bytes = _LAYOUT.unpack_from(raw)
    if magic != MAGIC:
        raise PeerFault("message.magic")
    if body_bytes > MESSAGE_BODY_BYTES_MAX:
        raise PeerFault("message.too-big")
    if len(raw) != SIGNED_BYTES + body_bytes:
        raise PeerFault("message.length")
    if ver != VERSION:
        raise PeerFault("message.version")
    if suite not in NUMBERS:
        raise PeerFault("message.suite")
    if flags:
        raise PeerFault("message.flags")
    if kind not in NAMES:
        raise PeerFault("message.unknown-type")
    try:
        named = unpad_node(signer)
        to = None if audience == _EVERYONE else unpad_node(audience)
    except PeerFault:
        raise PeerFault("message.node") from None
    return ShortHeader(suite, kind, named, to, key_id, epoch, body_bytes)


def open_message(raw: bytes, *, suite: Suite, keys: KeysOf, audience: str | None = None) -> Message:
    """A message for `audience` (or for everyone) by a key that `keys` knows. Raises PeerFault `message.*` or `cbor.*`.

    Refused in this order: header, suite (the site's), audience, key, signature, CBOR. `audience` None takes any (a
    reader of sticks).
    """
    header = parse_short_header(raw)
    if header.suite != suite.number:
        raise PeerFault("message.suite")
    if audience is not None and header.audience not in (None, audience):
        raise PeerFault("message.audience")
    public = keys(header.signer, header.key_id)
    if public is None:
        raise PeerFault("message.key")
    body = raw[SIGNED_BYTES:]
    said = _said(header.type, raw[:HEADER_BYTES], suite.hash(body))
    if not suite.verify(public, said, raw[HEADER_BYTES:SIGNED_BYTES]):
        raise PeerFault("message.signature")
    fields = canonical.decode(body, max_bytes=MESSAGE_BODY_BYTES_MAX)
    if type(fields) is not dict:
        raise PeerFault("message.body")
    return Message(header.type, header.signer, header.audience, header.key_id, header.epoch, fields)


def _said(type: int, header: bytes, body_hash: bytes) -> bytes:
    return b"way/1 " + NAMES[type].encode() + b"\0" + header + body_hash
