"""The hub's key folder while its signing key changes: whole at every instant, on the day and not before."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.trust.bundle import Bundle, adopt, load_bundle, save_bundle
from provisioning.trust.site import SiteTrust, make_site, open_site
from sync.adapters.idgen import SystemEntropy
from sync.adapters.keys.suites import suite_of
from sync.kernel.limits import HUB_KEY_AHEAD_MS
from sync.kernel.outcome import Refused, Unavailable
from sync.protocol.handover import in_force, to_come
from sync.protocol.message import parse_short_header
from sync.protocol.trust import Trust

BORN = 1_790_000_000_000
DAY = 24 * 3600 * 1000
DUE = BORN + HUB_KEY_AHEAD_MS


class Dead(BaseException):
    """The process is no more."""


def made(folder: Path, number: int = 1) -> SiteTrust:
    return make_site(folder, site="s", now_ms=BORN, entropy=SystemEntropy(), suite=suite_of(number))


def signed_by(trust: SiteTrust) -> bytes:
    return parse_short_header(trust.bundle.raw).key_id


def dies_at(trust: SiteTrust, place: str, fault: type[BaseException] = Dead) -> None:
    def point(told: str) -> None:
        if told == place:
            raise fault

    trust.point = point


def holds(trust: SiteTrust) -> Trust:
    """What lies on the disk is one whole story; the bundle in it."""
    again = open_site(trust.keys.folder)
    assert again.bundle.trust.hub_key(again.keys.key_id) == again.keys.signing_public
    assert again.bundle.trust.hub_key(signed_by(again)) is not None
    return again.bundle.trust


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.row("H35.22")
def test_a_key_is_ordered_and_signs_from_its_day_on(tmp_path: Path, number: int) -> None:
    trust = made(tmp_path, number)
    first = trust.keys.key_id
    done = trust.order_key(DUE, now_ms=BORN, epoch=1)
    assert isinstance(done, Bundle) and done.version == 2 and signed_by(trust) == first
    coming = trust.key_to_come(BORN)
    assert coming is not None and coming[1] and coming[0].from_ms == DUE
    assert not trust.settle_key(DUE - 1, 1) and trust.keys.key_id == first
    assert trust.settle_key(DUE, 1) and trust.keys.key_id == coming[0].key_id == signed_by(trust)
    assert not trust.settle_key(DUE, 1), "once"
    assert trust.bundle.version == 2, "the same bundle, under the new key"
    again = open_site(tmp_path)
    assert (again.keys.key_id, again.hub) == (coming[0].key_id, trust.hub)
    assert again.keys.files.former == (trust.bundle.trust.hub_keys[0].public,)
    assert not again.settle_key(BORN, 1), "what was put in force stays, whatever a clock says"
    assert again.keys.key_id == coming[0].key_id
    revoked = again.revoke("courier-aaaaaaaa", [bytes(8)], serials=[], now_ms=DUE, epoch=1)
    assert revoked.version == 3 and signed_by(again) == again.keys.key_id


ORDER = ("key.next:before", "key.next:after", "trust.bundle:before", "trust.bundle:after")
SWITCH = (
    "key.switch:before", "key.switch:after", "trust.bundle:before", "trust.bundle:after", "key.identity:before",
    "key.identity:after",
)  # fmt: skip


@pytest.mark.parametrize("place", ORDER)
def test_a_process_that_dies_ordering_leaves_the_old_or_the_new_whole(tmp_path: Path, place: str) -> None:
    trust = made(tmp_path)
    dies_at(trust, place)
    with pytest.raises(Dead):
        trust.order_key(DUE, now_ms=BORN, epoch=1)
    done = place == "trust.bundle:after"
    assert holds(trust).version == (2 if done else 1)
    again = open_site(tmp_path)
    said = again.order_key(DUE, now_ms=BORN, epoch=1)
    assert (isinstance(said, Refused) and said.code == "hub-key.pending") if done else isinstance(said, Bundle)
    coming = again.key_to_come(BORN)
    assert coming is not None and coming[1] and again.bundle.version == 2


@pytest.mark.parametrize("place", SWITCH)
def test_a_process_that_dies_going_over_goes_on_at_its_next_start(tmp_path: Path, place: str) -> None:
    trust = made(tmp_path)
    trust.order_key(DUE, now_ms=BORN, epoch=1)
    first, coming = trust.keys.key_id, to_come(trust.bundle.trust, BORN)
    assert coming is not None
    dies_at(trust, place)
    with pytest.raises(Dead):
        trust.settle_key(DUE, 1)
    assert holds(trust).version == 2
    again = open_site(tmp_path)
    assert (again.keys.key_id == first) == (place == "key.switch:before")
    again.settle_key(DUE, 1)
    whole = open_site(tmp_path)
    assert whole.keys.key_id == coming.key_id == signed_by(whole)
    assert not whole.settle_key(DUE, 1)
    assert sorted(path.name for path in tmp_path.glob("signing.*")) == ["signing.former", "signing.key"]


@pytest.mark.parametrize("place", ["key.next:before", "trust.bundle:before"])
def test_a_disk_that_takes_nothing_leaves_the_old_key(tmp_path: Path, place: str) -> None:
    trust = made(tmp_path)
    dies_at(trust, place, OSError)
    with pytest.raises(Unavailable, match=r"key\.write"):
        trust.order_key(DUE, now_ms=BORN, epoch=1)
    trust.point = lambda told: None
    assert trust.bundle.version == 1 and isinstance(trust.order_key(DUE, now_ms=BORN, epoch=1), Bundle)


def test_a_key_that_is_not_here_is_refused_from_its_day_on(tmp_path: Path) -> None:
    """A keys folder from before the order, and the bundle that boxes have."""
    trust = made(tmp_path)
    older = trust.bundle
    trust.order_key(DUE, now_ms=BORN, epoch=1)
    newest = trust.bundle.raw
    kept = (tmp_path / "signing.next").read_bytes()
    (tmp_path / "signing.next").unlink()
    save_bundle(tmp_path, older)
    again = open_site(tmp_path)
    assert again.heed(newest) and again.bundle.version == 2
    assert not again.settle_key(DUE - 1, 1)
    coming = again.key_to_come(BORN)
    assert coming is not None and not coming[1]
    for act in (again.is_key_due, lambda now_ms: again.settle_key(now_ms, 1)):
        with pytest.raises(Unavailable, match=r"hub\.key-missing"):
            act(DUE)
    (tmp_path / "signing.next").write_bytes(kept)
    (tmp_path / "signing.next").chmod(0o600)
    assert again.settle_key(DUE, 1) and again.keys.key_id == coming[0].key_id


def test_a_key_that_was_lost_before_its_day_makes_room_for_another(tmp_path: Path) -> None:
    trust = made(tmp_path)
    trust.order_key(DUE, now_ms=BORN, epoch=1)
    (tmp_path / "signing.next").unlink()
    done = trust.order_key(DUE + DAY, now_ms=BORN + DAY, epoch=1)
    assert isinstance(done, Bundle) and len(done.trust.hub_keys) == 2 and done.version == 3
    assert not trust.settle_key(DUE, 1) and trust.settle_key(DUE + DAY, 1)


@pytest.mark.parametrize("missed", [1, 2, 3])
def test_a_hub_put_back_believes_its_bundle_however_many_keys_it_missed(tmp_path: Path, missed: int) -> None:
    trust = made(tmp_path)
    older = trust.bundle
    for n in range(missed):
        now = BORN + n * 30 * DAY
        assert isinstance(trust.order_key(now + HUB_KEY_AHEAD_MS, now_ms=now, epoch=1), Bundle)
        trust.settle_key(now + HUB_KEY_AHEAD_MS, 1)
    assert signed_by(trust) != parse_short_header(older.raw).key_id
    newer = adopt(older, trust.bundle.raw)
    assert isinstance(newer, Bundle) and newer.version == 1 + missed
    assert in_force(newer.trust, BORN + 365 * DAY).key_id == trust.keys.key_id
    assert load_bundle(tmp_path).trust == newer.trust
