"""A box's certificate is renewed by a signed request over a real connection, also when it is over."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from flask import Flask

from appliance.link.certificate import Certificate, asks_by_https
from appliance.link.trust_book import BoxKeys, TrustBook
from hub.link.door import Door, Offer
from hub.link.feed_desk import FeedDesk
from hub.link.learning import certify_again
from hub.link.post import Post
from hub.link.sync_api import RENEW, sync_api
from hub.link.voice import HubKeys, TrustBundle, Voice
from hub.web.serve import Serving
from provisioning.trust.ca import issue
from provisioning.trust.enrol import spki_hash
from provisioning.trust.identity import make_identity
from provisioning.trust.node_keys import NodeKeys, load_keys, make_keys
from provisioning.trust.site import SiteTrust, make_site, open_site
from sync.adapters.carrier import client_context, nameless_context
from sync.adapters.clock import SystemClock
from sync.adapters.https_link import HttpsFeeds
from sync.adapters.idgen import SystemEntropy
from sync.adapters.keys import write_whole
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.hub_feeds import Feeds
from sync.adapters.sqlite_log.hub_store import HubStore, add_node, set_node_state
from sync.kernel.outcome import PeerFault, Unavailable
from sync.kernel.suite import suite1
from sync.protocol import message
from sync.protocol.hello import TRUST, Hello, Welcome
from sync.protocol.trust import Identity

NODE = "courier-aaaaaaaa"
DAY_MS = 24 * 3600 * 1000


class Crash(BaseException):
    """The process is no more."""


@dataclass
class Site:
    folder: Path
    trust: SiteTrust
    hub: HubStore
    box: ApplianceStore
    url: str

    @property
    def keys(self) -> NodeKeys:
        return load_keys(self.folder / "keys")

    def issue(self, age_days: float, name: str = NODE) -> None:
        """The certificate that the box has is this old; it is good for 90 days."""
        at_ms = round(SystemClock().wall_ms() - age_days * DAY_MS)
        leaf = issue(self.trust.authority, self.keys.tls_key().public_key(), name, at_ms)
        write_whole(self.keys.tls_certificate_path, leaf.public_bytes(Encoding.PEM))

    @property
    def context(self) -> ssl.SSLContext:
        keys = self.keys
        return client_context(keys.ca_path, keys.tls_certificate_path, keys.tls_key_path, "localhost")

    def certificate(self, tls: ssl.SSLContext, signing: bytes | None = None) -> Certificate:
        keys = self.keys
        own = BoxKeys(NODE, signing or keys.signing, suite1)
        book = TrustBook(own, self.trust.bundle.raw, lambda raw: None)
        return Certificate(self.box, book, keys, tls, asks_by_https(self.url, keys.ca_path, "localhost"))

    def heads(self, tls: ssl.SSLContext) -> bytes:
        return HttpsFeeds(self.url, tls, self.keys.ca_path).heads()

    @property
    def held(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.keys.tls_certificate_path.read_bytes())


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    clock, entropy = SystemClock(), SystemEntropy()
    trust = make_site(tmp_path / "site", site="test", now_ms=clock.wall_ms(), entropy=entropy, suite=suite1)
    hub = HubStore(tmp_path / "hub.db", bytes(32), node=trust.hub, role="hub", clock=clock, entropy=entropy)
    hub.start_incarnation("test")
    own = trust.keys
    voice = Voice(hub, HubKeys(own.signing, own.sealing, suite1), lambda: TrustBundle(1, trust.bundle.raw))
    door = Door(hub, voice, certify=partial(certify_again, hub, trust))
    app = Flask("hub.sync")
    app.register_blueprint(sync_api(hub, door, FeedDesk(hub, Feeds(hub), voice), Post()))
    serving = Serving(app, "127.0.0.1", 0, threads=4, name="door")
    serving.demand_certificates(trust.server_certificate_path, trust.server_key_path, own.ca_path, but_for=(RENEW,))
    serving.start()
    keys = make_keys(tmp_path / "keys", entropy, suite1)
    write_whole(keys.ca_path, trust.authority.certificate_pem)
    record = Identity(
        NODE, "courier", 1, keys.signing_public, keys.sealing_public, spki_hash(keys.tls_key().public_key()), 1
    )
    write_whole(
        keys.identity_path, make_identity(record, hub=trust.hub, epoch=1, signing_key=own.signing, suite=suite1)
    )
    with hub.write() as unit:
        add_node(
            unit, node=NODE, role="courier", name="x", signing_public=keys.signing_public,
            sealing_public=keys.sealing_public, key_id=keys.key_id, scopes=["site"], tls_serial="1a", now_ms=0,
        )  # fmt: skip
    box = ApplianceStore(tmp_path / "box.db", bytes(32), node=NODE, role="courier", clock=clock, entropy=entropy)
    made = Site(tmp_path, trust, hub, box, f"https://127.0.0.1:{serving.port}")
    made.issue(0)
    yield made
    serving.stop()
    box.close()
    hub.close()


@pytest.mark.parametrize(("age_days", "renewed"), [(1, False), (44, False), (46, True), (89, True)])
def test_a_certificate_is_renewed_from_half_of_its_life_on(site: Site, age_days: float, renewed: bool) -> None:
    site.issue(age_days)
    before, tls = site.held, site.context
    assert site.certificate(tls).look() is renewed
    assert (site.held.serial_number != before.serial_number) is renewed
    row = site.hub.node_row(NODE)
    assert row is not None and row.tls_serial == (f"1a {site.held.serial_number:x}" if renewed else "1a")
    assert site.heads(tls)


@pytest.mark.parametrize("over_days", [1, 399])
def test_one_that_is_over_is_renewed_and_the_line_is_back_without_a_restart(site: Site, over_days: float) -> None:
    site.issue(90 + over_days)
    tls = site.context
    with pytest.raises(Unavailable):
        site.heads(tls)
    assert site.certificate(tls).look()
    assert site.heads(tls) and not site.certificate(tls).is_due


def test_one_that_is_over_for_too_long_stays_over(site: Site) -> None:
    site.issue(90 + 401)
    with pytest.raises(PeerFault, match=r"certify\.too-late"):
        site.certificate(site.context).look()


def test_nobody_else_gets_one(site: Site) -> None:
    site.issue(91)
    tls = site.context
    with pytest.raises(PeerFault, match=r"message\.(key|unknown-node)"):
        site.certificate(tls, bytes(range(32))).look()
    site.issue(91, "courier-bbbbbbbb")
    with pytest.raises(PeerFault, match=r"certify\.leaf"):
        site.certificate(tls).look()
    site.issue(91)
    site.trust.revoke("courier-cccccccc", [bytes(8)], serials=[site.held.serial_number], now_ms=1, epoch=1)
    with pytest.raises(PeerFault, match=r"certify\.withdrawn"):
        site.certificate(tls).look()
    with site.hub.write() as unit:
        set_node_state(unit, NODE, "revoked")
    with pytest.raises(PeerFault, match=r"renew\.key"):
        site.certificate(tls).look()


def test_a_hub_that_dies_in_the_middle_is_asked_again(site: Site) -> None:
    site.issue(91)
    tls, said = site.context, list[str]()

    def point(place: str) -> None:
        said.append(place)
        if place == "node.leaf:after" and said.count(place) == 1:
            raise OSError("cut")

    site.hub.point = point  # type: ignore[method-assign]
    with pytest.raises((Unavailable, PeerFault)):
        site.certificate(tls).look()
    assert site.certificate(tls).look() and site.heads(tls)
    row = site.hub.node_row(NODE)
    assert row is not None and row.tls_serial is not None
    assert row.tls_serial.split()[-1] == f"{site.held.serial_number:x}" and len(row.tls_serial.split()) == 3


def test_a_hub_that_forgot_a_bundle_is_shown_it_and_takes_only_its_own(site: Site, tmp_path: Path) -> None:
    trust, box = (
        site.trust,
        TrustBook(BoxKeys(NODE, site.keys.signing, suite1), site.trust.bundle.raw, lambda raw: None),
    )
    before = trust.bundle.raw
    box.adopt(trust.revoke("courier-cccccccc", [bytes(8)], serials=[], now_ms=1, epoch=1).raw)
    write_whole(trust.keys.folder / "trust.way", before)
    restored = open_site(trust.keys.folder)
    voice = Voice(
        site.hub, HubKeys(trust.keys.signing, trust.keys.sealing, suite1),
        lambda: TrustBundle(restored.bundle.version, restored.bundle.raw),
    )  # fmt: skip
    heard: list[bool] = []
    door = Door(site.hub, voice, heed=lambda raw: heard.append(restored.heed(raw)))

    def wants(version: int) -> tuple[int, ...]:
        hello = Hello("test", 7, 10 + version, (), trust_version=version)
        said = box.say(message.HELLO, hello.body(), 1)
        told = [box.open(raw) for raw in door.receive(said, "https", NODE)]
        return next(Welcome.read(each.body).wanted for each in told if each.type == message.WELCOME)

    assert TRUST not in wants(1) and TRUST in wants(2)
    other = make_site(tmp_path / "other", site="x", now_ms=1, entropy=SystemEntropy(), suite=suite1)
    foreign = other.revoke("courier-cccccccc", [bytes(8)], serials=[], now_ms=1, epoch=1).raw
    outcome = door.receive_many([Offer(raw, "https", NODE) for raw in (foreign, before, box.raw, box.raw)])
    assert outcome.refused == ["message.key", None, None, None] and heard == [False, True, False]
    assert restored.bundle.version == 2 == open_site(trust.keys.folder).bundle.version
    assert restored.bundle.trust.is_revoked("courier-cccccccc", bytes(8)) and TRUST not in wants(2)


def test_without_a_certificate_every_other_page_says_401(site: Site) -> None:
    session = requests.Session()
    for path in ("messages", "down", "heads", "feeds/site/manifest", "streams/0000000000000001/0/1"):
        method = "POST" if path == "messages" else "GET"
        answer = session.request(
            method, f"{site.url}/api/v1/sync/{path}", data=b"" if method == "POST" else None,
            verify=str(site.keys.ca_path), timeout=10,
        )  # fmt: skip
        assert answer.status_code == 401 and answer.headers["Content-Type"].startswith("application/problem")
    assert nameless_context(site.keys.ca_path).get_ca_certs()


def test_the_page_takes_nothing_but_such_requests(site: Site) -> None:
    asks = asks_by_https(site.url, site.keys.ca_path, "localhost")
    hello = message.make_message(
        message.HELLO, {}, signer=NODE, audience=site.trust.hub, epoch=1, signing_key=site.keys.signing, suite=suite1
    )
    for raw, code in ((hello, r"message\.unexpected"), (b"nothing", r"message\.length")):
        with pytest.raises(PeerFault, match=code):
            asks(raw)
