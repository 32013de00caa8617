"""The hub's own signing key, as trust bundles have it: which one is in force, which is to come, which ones lead to it.

A key stands in the bundle for at least 14 days before the hub signs with it, so machines that are heard of know it by
then. For one that was away longer every bundle carries the way: each key of the hub and the one that took its place
have both signed one sentence, as a node's do. Who believes one of them believes those that come after it, however many
bundles were missed. Source: protocol way/1, sections 7.4 and 7.5; the sentences are a choice of our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sync.kernel.limits import HUB_KEY_AHEAD_MS, HUB_KEY_MS, KEY_OVERLAP_MS
from sync.kernel.outcome import Refused
from sync.kernel.suite import Suite
from sync.protocol.key_change import KeyChange
from sync.protocol.trust import HUB_KEYS_MAX, HubKey, Trust


def in_force(trust: Trust, now_ms: int) -> HubKey:
    """The key that signs at this hub time: of those that have begun the one that began last."""
    begun = [key for key in trust.hub_keys if key.from_ms <= now_ms]
    return max(begun, key=lambda key: key.from_ms) if begun else trust.hub_keys[0]


def to_come(trust: Trust, now_ms: int) -> HubKey | None:
    """The key that is to take the place of the one in force."""
    return next((key for key in trust.hub_keys if key.from_ms > now_ms and key != in_force(trust, now_ms)), None)


def decide_order(trust: Trust, *, at_ms: int, now_ms: int, held: frozenset[bytes]) -> Refused | None:
    """Whether the hub may go over to another key at `at_ms`; `held`: ids of the keys that are on its machine.

    Refused `hub-key.pending` while one is to come that the machine has, `hub-key.too-soon`, `hub-key.too-many`.
    """
    coming = to_come(trust, now_ms)
    if coming is not None and coming.key_id in held:
        return Refused("hub-key.pending", {"from_ms": coming.from_ms})
    if at_ms < now_ms + HUB_KEY_AHEAD_MS:
        return Refused("hub-key.too-soon", {"least_ms": now_ms + HUB_KEY_AHEAD_MS})
    if len(trust.hub_keys) >= HUB_KEYS_MAX:
        return Refused("hub-key.too-many")
    return None


def ordered(trust: Trust, change: KeyChange, suite: Suite, *, at_ms: int, now_ms: int) -> Trust:
    """The next bundle: the key of `change` signs from `at_ms` on, the one in force until a week later at most.

    The week is for what was signed before and is still on its way. A key that was to come and never signed anything
    leaves the bundle.
    """
    gone = {key.key_id for key in trust.hub_keys if key.from_ms > now_ms and key != in_force(trust, now_ms)}
    last = in_force(trust, now_ms)
    rows = [
        replace(key, to_ms=at_ms + KEY_OVERLAP_MS) if key == last else key
        for key in trust.hub_keys
        if key.key_id not in gone
    ]
    fresh = HubKey(suite.key_id(change.public), change.public, at_ms, at_ms + HUB_KEY_MS)
    kept = [each for each in trust.handovers if suite.key_id(each.public) not in gone]
    return replace(trust, version=trust.version + 1, hub_keys=(*rows, fresh), handovers=(*kept, change))


def led_to(believed: Trust, offered: Trust, hub: str, suite: Suite, now_ms: int) -> Mapping[bytes, bytes]:
    """Public keys of the hub, by id, that may sign `offered`: those believed and not over, and each that they lead to.

    `now_ms`: hub time as far as it was heard. Nothing of `offered` counts but the sentences that proven keys signed.
    """
    found = {
        key.key_id: key.public
        for key in believed.hub_keys
        if key.to_ms > now_ms and not believed.is_revoked(hub, key.key_id)
    }
    left = list(offered.handovers)
    while reached := [each for each in left if each.before in found]:
        left = [each for each in left if each.before not in found]
        for each in reached:
            key_id = suite.key_id(each.public)
            if each.is_proven(suite, hub, found[each.before]) and not believed.is_revoked(hub, key_id):
                found[key_id] = each.public
    return found
