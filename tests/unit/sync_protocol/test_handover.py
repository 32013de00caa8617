"""The hub's signing keys in trust bundles: one in force at every instant, and a way from each to those after it."""

from dataclasses import replace

import pytest

from sync.adapters.keys.suites import suite_of
from sync.kernel.canonical import decode, encode
from sync.kernel.limits import HUB_KEY_AHEAD_MS, HUB_KEY_MS, KEY_OVERLAP_MS
from sync.kernel.outcome import PeerFault, Refused
from sync.kernel.suite import Suite, suite1
from sync.protocol.handover import decide_order, in_force, led_to, ordered, to_come
from sync.protocol.key_change import make_change
from sync.protocol.trust import HUB_KEYS_MAX, HubKey, Revoked, Trust

HUB = "hub-b4l8r3yz"
KEYS = [bytes(range(n, n + 32)) for n in range(1, 6)]
BORN = 1_000
AHEAD, WEEK = HUB_KEY_AHEAD_MS, KEY_OVERLAP_MS
YEAR = 365 * 24 * 3600 * 1000


def first(suite: Suite = suite1) -> Trust:
    public = suite.signing_public(KEYS[0])
    return Trust(1, (HubKey(suite.key_id(public), public, BORN, BORN + HUB_KEY_MS),))


def change(trust: Trust, n: int, at_ms: int, suite: Suite = suite1, *, hub: str = HUB, now_ms: int = BORN) -> Trust:
    """Key `n` takes the place of key `n - 1`."""
    said = make_change(suite, hub, KEYS[n - 1], KEYS[n], bytes(32))
    return ordered(trust, said, suite, at_ms=at_ms, now_ms=now_ms)


def key_id(n: int, suite: Suite = suite1) -> bytes:
    return suite.key_id(suite.signing_public(KEYS[n]))


def ids(trust: Trust) -> list[bytes]:
    return [key.key_id for key in trust.hub_keys]


TWO = change(first(), 1, BORN + AHEAD)
THREE = change(TWO, 2, BORN + YEAR, now_ms=BORN + YEAR - AHEAD)


@pytest.mark.parametrize(
    ("now_ms", "n", "coming"),
    [(0, 0, None), (BORN, 0, 1), (BORN + AHEAD - 1, 0, 1), (BORN + AHEAD, 1, None), (BORN + 90 * YEAR, 1, None)],
    ids=["a clock before the site", "ordered", "a moment before", "the instant itself", "long after"],
)
def test_one_key_is_in_force_at_every_instant(now_ms: int, n: int, coming: int | None) -> None:
    assert in_force(TWO, now_ms).key_id == key_id(n)
    if now_ms:
        found = to_come(TWO, now_ms)
        assert (None if found is None else found.key_id) == (None if coming is None else key_id(coming))


def test_the_one_that_goes_is_over_a_week_after_the_other_began() -> None:
    at = BORN + AHEAD + WEEK
    assert TWO.version == 2 and not TWO.is_over(key_id(0), at - 1) and TWO.is_over(key_id(0), at)
    assert not TWO.is_over(key_id(1), at + YEAR) and not TWO.is_over(b"unknown.", at)
    assert TWO.hub_key(key_id(0)) is not None, "what it signed is still to be verified"


def test_one_that_never_signed_makes_room_for_another() -> None:
    again = change(first(), 2, BORN + 3 * AHEAD)
    lost = ordered(
        TWO, make_change(suite1, HUB, KEYS[0], KEYS[2], bytes(32)), suite1, at_ms=BORN + 3 * AHEAD, now_ms=BORN + 5
    )
    assert ids(lost) == [*ids(again)[:1], key_id(2)] and len(lost.handovers) == 1 and lost.version == 3
    assert lost.hub_keys[0].to_ms == BORN + 3 * AHEAD + WEEK
    assert lost.hub_keys[1].to_ms - lost.hub_keys[1].from_ms == HUB_KEY_MS


@pytest.mark.parametrize(
    ("trust", "at_ms", "held", "code"),
    [
        (first(), BORN + AHEAD, {0}, None),
        (first(), BORN + AHEAD - 1, {0}, "hub-key.too-soon"),
        (first(), BORN - YEAR, {0}, "hub-key.too-soon"),
        (TWO, BORN + 2 * AHEAD, {0, 1}, "hub-key.pending"),
        (TWO, BORN + 2 * AHEAD, {0}, None),
        (replace(TWO, hub_keys=TWO.hub_keys[:1] * HUB_KEYS_MAX), BORN + 2 * AHEAD, {0}, "hub-key.too-many"),
    ],
    ids=["in time", "a moment too soon", "in the past", "one is coming", "the one to come is lost", "no room"],
)
def test_who_may_order(trust: Trust, at_ms: int, held: set[int], code: str | None) -> None:
    said = decide_order(trust, at_ms=at_ms, now_ms=BORN, held=frozenset(map(key_id, held)))
    assert (said.code if isinstance(said, Refused) else None) == code


@pytest.mark.parametrize("number", [1, 2])
def test_who_believes_one_is_led_to_all_after_it(number: int) -> None:
    suite = suite_of(number)
    trusts = [first(suite)]
    for n in range(1, 4):
        trusts.append(change(trusts[-1], n, BORN + n * YEAR, suite, now_ms=BORN + n * YEAR - AHEAD))
    newest = Trust.read(decode(encode(trusts[-1].body())))
    assert newest == trusts[-1]
    for n, believed in enumerate(trusts):
        heard = BORN + n * YEAR  # it was away since
        led = set(led_to(believed, newest, HUB, suite, heard))
        assert led == {key_id(each, suite) for each in range(max(0, n - 1), 4)}


def test_a_key_that_is_over_leads_nowhere() -> None:
    """Who got hold of an old key cannot lead a machine away that has heard of its end."""
    said = make_change(suite1, HUB, KEYS[0], KEYS[4], bytes(32))
    forged = replace(TWO, version=9, handovers=(said,))
    heard = BORN + AHEAD + WEEK
    assert key_id(4) not in led_to(TWO, forged, HUB, suite1, heard)
    assert key_id(4) in led_to(TWO, forged, HUB, suite1, heard - 1)
    revoked = replace(TWO, revoked=(Revoked(HUB, key_id(0)),))
    assert key_id(4) not in led_to(revoked, forged, HUB, suite1, BORN)
    named = replace(first(), revoked=(Revoked(HUB, key_id(1)),))
    assert key_id(1) not in led_to(named, TWO, HUB, suite1, BORN)


@pytest.mark.parametrize("field", ["by_old", "by_new", "public", "before", "tls"])
def test_a_sentence_that_was_changed_leads_nowhere(field: str) -> None:
    said = TWO.handovers[0]
    value = getattr(said, field)
    bad = replace(said, **{field: bytes([value[0] ^ 1]) + value[1:]})
    assert set(led_to(first(), replace(TWO, handovers=(bad,)), HUB, suite1, BORN)) == {key_id(0)}
    assert set(led_to(first(), TWO, "hub-other234", suite1, BORN)) == {key_id(0)}, "said of another hub"


def test_a_list_that_is_none_is_the_peers_fault() -> None:
    too_many = [TWO.handovers[0].body()] * (HUB_KEYS_MAX + 1)
    wrongs: list[object] = ["no list", [{}], [7], too_many]
    for wrong in wrongs:
        with pytest.raises(PeerFault):
            Trust.read(decode(encode({**first().body(), 8: wrong})))
