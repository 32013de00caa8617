"""The trust bundle in use: which hub keys to believe, which nodes no longer. Its version never falls, on either side.

Source: protocol way/1, sections 4.9 and 7.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sync.adapters.keys import load_secret, write_whole
from sync.adapters.keys.suites import suite_of
from sync.kernel import canonical
from sync.kernel.ids import NODE_PATTERN
from sync.kernel.limits import HUB_KEY_MS, MESSAGE_BODY_BYTES_MAX
from sync.kernel.outcome import PeerFault, Refused
from sync.kernel.suite import Suite
from sync.protocol import message
from sync.protocol.handover import led_to
from sync.protocol.trust import HubKey, Revoked, Trust

FILE = "trust.way"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that was believed, with the signed message it came in and the suite that signed it: the site's."""

    trust: Trust
    hub: str
    raw: bytes
    suite: Suite

    @property
    def version(self) -> int:
        return self.trust.version


def first_trust(
    *, suite: Suite, signing_public: bytes, sealing_public: bytes, authority_der: bytes, now_ms: int
) -> Trust:
    """What a new site begins with: one hub key, one authority, nobody revoked."""
    key = HubKey(suite.key_id(signing_public), signing_public, now_ms, now_ms + HUB_KEY_MS)
    return Trust(version=1, hub_keys=(key,), authorities=(authority_der,), sealing=((sealing_public, now_ms),))


def with_revoked(
    trust: Trust, node: str, key_ids: Sequence[bytes], last_good: Sequence[tuple[int, int, int]] = ()
) -> Trust:
    """The next bundle, with one more node shut out, all its keys; the same one when they are shut out already.

    `last_good`: (incarnation, lane, seq) up to which its facts count; empty: what the hub held at that moment.
    """
    assert NODE_PATTERN.fullmatch(node), "no node name"
    fresh = [Revoked(node, each, tuple(last_good)) for each in key_ids if not trust.is_revoked(node, each)]
    if not fresh:
        return trust
    return replace(trust, version=trust.version + 1, revoked=(*trust.revoked, *fresh))


def with_marks(trust: Trust, node: str, last_good: Sequence[tuple[int, int, int]]) -> Trust:
    """The next bundle, in which a node that is shut out counts up to these (incarnation, lane, seq)."""
    rows = tuple(replace(row, last_good=tuple(last_good)) if row.node == node else row for row in trust.revoked)
    return trust if rows == trust.revoked else replace(trust, version=trust.version + 1, revoked=rows)


def make_bundle(trust: Trust, *, hub: str, epoch: int, signing_key: bytes, suite: Suite) -> bytes:
    """The signed message, for everyone."""
    return message.make_message(
        message.TRUST, trust.body(), signer=hub, audience=None, epoch=epoch, signing_key=signing_key, suite=suite
    )


def read_bundle(raw: bytes, believed: Bundle | None) -> Bundle:
    """A bundle signed by a key of the one `believed` so far, or by one that a key of it leads to.

    Raises PeerFault `message.*` or `trust.*`.

    With `believed` None it need only be signed by a key of its own: for a file of ours, and for an enrolment answer
    that the authority on the card has signed. Never for anything else.
    """
    header = message.parse_short_header(raw)
    if header.type != message.TRUST:
        raise PeerFault("trust.type")
    unproven = Trust.read(canonical.decode(raw[message.SIGNED_BYTES :], max_bytes=MESSAGE_BODY_BYTES_MAX))
    if believed is None:
        suite = suite_of(header.suite)
        opened = message.open_message(raw, suite=suite, keys=lambda _, key_id: unproven.hub_key(key_id))
    else:
        suite = believed.suite
        led = led_to(believed.trust, unproven, believed.hub, suite, 0)
        opened = message.open_message(
            raw, suite=suite, keys=lambda signer, key_id: led.get(key_id) if signer == believed.hub else None
        )
    return Bundle(Trust.read(opened.body), opened.signer, raw, suite)


def adopt(held: Bundle, offered: bytes) -> Bundle | Refused:
    """The bundle to hold from now on: the offered one if it is newer. Refused `trust.older`.

    Raises PeerFault `message.*`, or `trust.fork` for other bytes under the held version.
    """
    new = read_bundle(offered, held)
    if new.version < held.version:
        return Refused("trust.older", {"held": held.version, "offered": new.version})
    if new.version == held.version:
        if new.trust != held.trust:
            raise PeerFault("trust.fork")
        return held
    return new


def save_bundle(folder: Path, bundle: Bundle) -> None:
    """Keep a bundle in `folder`, replacing the one before it."""
    write_whole(folder / FILE, bundle.raw)


def load_bundle(folder: Path) -> Bundle:
    """The bundle kept in `folder`. Raises Unavailable `key.missing`, PeerFault when it is damaged."""
    return read_bundle(load_secret(folder / FILE), None)
