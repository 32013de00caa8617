"""What a box makes of the hub's signing keys: led to new ones, old ones for what is old, none that is over."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from appliance.link.trust_book import BoxKeys, TrustBook
from hub.link.own_key import OwnKey
from hub.link.voice import TrustBundle, Voice, keys_of
from provisioning.trust.site import SiteTrust, make_site
from sync.adapters.clock import ShiftedClock, SystemClock
from sync.adapters.idgen import SystemEntropy
from sync.adapters.keys.suites import suite_of
from sync.adapters.sqlite_log.hub_store import HubStore
from sync.kernel.limits import HUB_KEY_AHEAD_MS, KEY_OVERLAP_MS
from sync.kernel.outcome import PeerFault, Refused, Unavailable
from sync.protocol import message
from sync.protocol.segment import make_segment, open_segment, parse_segment_header
from sync.protocol.snapshot import Manifest

BORN = 1_795_147_200_000
NODE, SIGNING = "courier-aaaaaaaa", bytes(range(1, 33))
MONTHS = 200 * 24 * 3600 * 1000


@dataclass
class Site:
    """A hub that changes its key, and the words it says under each."""

    trust: SiteTrust
    hub: HubStore
    now_ms: int = BORN
    saved: list[bytes] = field(default_factory=list)

    @property
    def voice(self) -> Voice:
        bundle = self.trust.bundle
        return Voice(self.hub, keys_of(self.trust.keys), lambda: TrustBundle(bundle.version, bundle.raw))

    def box(self, heard_ms: int) -> TrustBook:
        """A box that has the bundle of now, and has heard of this hub time last."""
        own = BoxKeys(NODE, SIGNING, self.trust.suite)
        return TrustBook(own, self.trust.bundle.raw, self.saved.append, lambda: heard_ms)

    def go_over(self) -> None:
        assert not isinstance(
            self.trust.order_key(self.now_ms + HUB_KEY_AHEAD_MS, now_ms=self.now_ms, epoch=1), Refused
        )
        self.now_ms += HUB_KEY_AHEAD_MS
        assert self.trust.settle_key(self.now_ms, 1)


@pytest.fixture(params=[1, 2])
def site(tmp_path: Path, request: pytest.FixtureRequest) -> Site:
    suite, entropy = suite_of(request.param), SystemEntropy()
    trust = make_site(tmp_path / "keys", site="s", now_ms=BORN, entropy=entropy, suite=suite)
    clock = ShiftedClock.starting_at(SystemClock(), BORN)
    hub = HubStore(
        tmp_path / "hub.db", bytes(32), node=trust.hub, role="hub", clock=clock, entropy=entropy, suite=suite
    )
    request.addfinalizer(hub.close)
    return Site(trust, hub)


def code_of(book: TrustBook, raw: bytes) -> str | None:
    try:
        book.open(raw)
    except PeerFault as fault:
        return fault.code
    return None


@pytest.mark.parametrize("changes", [1, 3])
@pytest.mark.row("H35.22")
def test_a_box_that_was_away_for_months_is_led_to_the_key_of_now(site: Site, changes: int) -> None:
    book = site.box(BORN)
    for _ in range(changes):
        site.go_over()
        site.now_ms += MONTHS
    welcome = site.voice.hello_wanted(NODE)
    assert code_of(book, welcome) == "message.key"
    assert code_of(book, site.trust.bundle.raw) is None and book.adopt(site.trust.bundle.raw)
    assert code_of(book, welcome) is None and site.saved == [site.trust.bundle.raw]
    assert not book.adopt(site.trust.bundle.raw), "once"


def test_both_keys_count_for_a_week_and_then_only_for_what_was_kept(site: Site) -> None:
    old = site.voice
    said, kept = old.hello_wanted(NODE), old.manifest(Manifest("site", 1, 9, bytes(32), bytes(16), 3, (bytes(32),), 5))
    sealed = make_segment(
        hub=site.trust.hub, label="site", epoch=1, first=1, prev_e=bytes(32), entries=[b"entry"],
        signing_key=old.keys.signing, suite=site.trust.suite,
    )  # fmt: skip
    site.go_over()
    new = site.voice.hello_wanted(NODE)
    over = site.now_ms + KEY_OVERLAP_MS
    for heard_ms, expected in [(BORN, None), (site.now_ms, None), (over - 1, None), (over, "message.key-over")]:
        book = site.box(heard_ms)
        assert (code_of(book, said), code_of(book, new)) == (expected, None), heard_ms
        assert code_of(book, kept) is None, "a snapshot's list, signed while the key counted"
        header = parse_segment_header(sealed)
        public = book.hub_key(header.node, header.key_id)
        assert public is not None and open_segment(sealed, public, suite=site.trust.suite).entries == [b"entry"]


def test_who_has_the_old_key_leads_no_box_away_that_heard_of_its_end(site: Site) -> None:
    old = site.trust.keys.signing
    site.go_over()
    book = site.box(site.now_ms + KEY_OVERLAP_MS)
    trust = site.trust.bundle.trust
    body = {**trust.body(), 1: trust.version + 5}
    forged = message.make_message(
        message.TRUST, body, signer=site.trust.hub, audience=None, epoch=1, signing_key=old, suite=site.trust.suite
    )
    assert code_of(book, forged) == "message.key-over"
    with pytest.raises(PeerFault, match="key-over"):
        book.adopt(forged)
    stranger = message.make_message(
        message.TRUST, body, signer=site.trust.hub, audience=None, epoch=1, signing_key=SIGNING, suite=site.trust.suite
    )
    assert code_of(book, stranger) == "message.key"
    assert book.version == trust.version and not site.saved


def test_what_the_hub_signed_before_is_its_own_when_it_is_shown_back(site: Site) -> None:
    """Receipts, leases and records of machines, whichever key of the hub is on them."""
    said = site.voice.hello_wanted(NODE)
    site.go_over()
    opened = message.open_message(said, suite=site.trust.suite, keys=site.voice.own_key)
    assert opened.audience == NODE
    with pytest.raises(PeerFault, match=r"message\.key"):
        message.open_message(said, suite=site.trust.suite, keys=lambda signer, key_id: site.voice.own_key(NODE, key_id))


@pytest.mark.parametrize("here", [True, False])
def test_a_hub_goes_over_by_itself_or_ends_where_it_lacks_the_key(site: Site, here: bool) -> None:
    """The day has come while it runs."""
    assert not isinstance(site.trust.order_key(BORN + HUB_KEY_AHEAD_MS, now_ms=BORN, epoch=1), Refused)
    site.hub.clock = ShiftedClock.starting_at(SystemClock(), BORN + HUB_KEY_AHEAD_MS + 1)
    before, voice = site.trust.keys.key_id, site.voice
    told: list[bytes] = []
    ended: list[Unavailable] = []
    own = OwnKey(site.trust, voice, lambda: told.append(site.trust.bundle.raw), ended.append)
    if not here:
        (site.trust.keys.folder / "signing.next").unlink()
    own.look()
    assert [fault.code for fault in ended] == ([] if here else ["hub.key-missing"])
    assert (voice.key_id != before) == here == (voice.key_id == site.trust.bundle.trust.hub_keys[-1].key_id)
    assert told == ([site.trust.bundle.raw] if here else []), "everybody is told under the new key"
    own.look()
    assert len(told) == here and own.to_come is None and len(ended) == 2 * (not here)
