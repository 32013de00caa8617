"""A fact as bytes and back.

Source: protocol way/1, section 2, table of fields 1-13. Higher field numbers are a newer writer's: they stay in the
stored bytes and are not read here.
"""

from __future__ import annotations

from typing import Any

from sync.kernel import canonical
from sync.kernel.fact import Fact
from sync.kernel.ids import LABEL_PATTERN, LANES
from sync.kernel.limits import (
    ACTOR_CHARS_MAX,
    FACT_BYTES_MAX,
    INT_MAX,
    KEY_BYTES_MAX,
    KEY_TEXT_BYTES_MAX,
    SCOPES_MAX,
)
from sync.kernel.outcome import PeerFault


def encode_fact(fact: Fact) -> bytes:
    """The bytes that are hashed, stored and sent. Raises ValueError for what the wire cannot carry."""
    # In ascending order, so that the encoder has nothing to sort: this stands on the path of every scan.
    fields: dict[int, Any] = {1: fact.kind, 2: fact.version, 3: fact.etype, 4: fact.key, 5: dict(fact.body)}
    if fact.actor is not None:
        fields[6] = fact.actor
    if fact.device is not None:
        fields[7] = fact.device
    if fact.scopes:
        fields[8] = list(fact.scopes)
    fields[9] = fact.hlc
    fields[10] = fact.clock
    if fact.base is not None:
        fields[11] = list(fact.base)
    if fact.lease is not None:
        fields[12] = list(fact.lease)
    if fact.reissue_of is not None:
        fields[13] = list(fact.reissue_of)
    data = canonical.encode(fields)
    if len(data) > FACT_BYTES_MAX:
        raise ValueError("fact beyond 64 KiB")
    try:
        _read(fields)
    except PeerFault as fault:
        raise ValueError(fault.code) from None
    return data


def decode_fact(data: bytes) -> Fact:
    """The fact in `data`. Raises PeerFault `cbor.*` or `fact.<field>` (`fact.shape`, `fact.missing`)."""
    fields = canonical.decode(data)
    if type(fields) is not dict:
        raise PeerFault("fact.shape")
    return _read(fields)


def _read(fields: dict[int, Any]) -> Fact:
    try:
        kind, version, etype, key, body = fields[1], fields[2], fields[3], fields[4], fields[5]
        hlc, clock = fields[9], fields[10]
    except KeyError:
        raise PeerFault("fact.missing") from None
    if type(kind) is not int or not 0 <= kind <= 65535:
        raise PeerFault("fact.kind")
    if type(version) is not int or not 1 <= version <= 255:
        raise PeerFault("fact.version")
    if type(etype) is not int or not 0 <= etype <= 65535:
        raise PeerFault("fact.etype")
    if type(key) is str:
        if len(key) > KEY_TEXT_BYTES_MAX or (not key.isascii() and len(key.encode()) > KEY_TEXT_BYTES_MAX):
            raise PeerFault("fact.key")
    elif type(key) is not bytes or len(key) > KEY_BYTES_MAX:
        raise PeerFault("fact.key")
    if type(body) is not dict:
        raise PeerFault("fact.body")
    if type(hlc) is not int or hlc < 0:
        raise PeerFault("fact.hlc")
    if type(clock) is not int or not 0 <= clock <= 2:
        raise PeerFault("fact.clock")
    if 0 in fields:
        raise PeerFault("fact.shape")
    return Fact(
        kind,
        version,
        etype,
        key,
        body,
        hlc,
        clock,
        _short_text(fields, 6, "fact.actor"),
        _short_text(fields, 7, "fact.device"),
        _scopes(fields[8]) if 8 in fields else (),
        _base(fields[11]) if 11 in fields else None,
        _lease(fields[12]) if 12 in fields else None,
        _reissue(fields[13]) if 13 in fields else None,
    )


def _short_text(fields: dict[int, Any], number: int, code: str) -> str | None:
    if number not in fields:
        return None
    text = fields[number]
    if type(text) is not str or len(text) > ACTOR_CHARS_MAX or "\0" in text:
        raise PeerFault(code)
    return text


def _scopes(value: object) -> tuple[str, ...]:
    if type(value) is not list or len(value) > SCOPES_MAX:
        raise PeerFault("fact.scopes")
    last = ""
    for label in value:
        if type(label) is not str or label <= last or not LABEL_PATTERN.fullmatch(label):
            raise PeerFault("fact.scopes")
        last = label
    return tuple(value)


def _is_bytes(value: object, length: int) -> bool:
    return type(value) is bytes and len(value) == length


def _is_count(value: object, least: int = 0) -> bool:
    return type(value) is int and least <= value <= INT_MAX


def _base(value: object) -> tuple[int, bytes]:
    if type(value) is not list or len(value) != 2 or not _is_count(value[0]) or not _is_bytes(value[1], 8):
        raise PeerFault("fact.base")
    return (value[0], value[1])


def _lease(value: object) -> tuple[bytes, int]:
    if type(value) is not list or len(value) != 2 or not _is_bytes(value[0], 16) or not _is_count(value[1]):
        raise PeerFault("fact.lease")
    return (value[0], value[1])


def _reissue(value: object) -> tuple[int, int, int, bytes, int]:
    if type(value) is not list or len(value) != 5:
        raise PeerFault("fact.reissue")
    incarnation, lane, seq, old_hash, hlc = value
    good = _is_count(incarnation, 1) and type(lane) is int and lane in LANES and _is_count(seq, 1)
    if not good or not _is_bytes(old_hash, 32) or not _is_count(hlc):
        raise PeerFault("fact.reissue")
    return (incarnation, lane, seq, old_hash, hlc)
