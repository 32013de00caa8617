"""One site, one suite: what is of another one is refused wherever it comes in."""

from pathlib import Path
from typing import Any

import pytest

from provisioning.trust.ca import make_request as make_csr
from provisioning.trust.ca import make_tls_key
from provisioning.trust.cards import Card, card_text, read_card
from provisioning.trust.enrol import make_request, read_enrol_request
from provisioning.trust.node_keys import load_keys, make_keys
from provisioning.trust.site import make_site, open_site
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SystemEntropy
from sync.adapters.keys import write_whole
from sync.adapters.keys.suites import suite_of
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.outbox import cut, own_streams
from sync.kernel.outcome import PeerFault, Unavailable
from sync.kernel.suite import PUBLIC_BYTES, Suite
from sync.protocol import message
from sync.protocol.batch import Withheld, make_batch, open_batch, parse_header
from sync.protocol.history import Page, proven
from sync.protocol.long_header import PROOF_BYTES
from sync.protocol.segment import make_segment, open_segment
from sync.protocol.trust import Identity

NODE, HUB = "courier-a3k7q2xw", "hub-7f3k2m9q"
PRIVATE = bytes(31) + b"\x05"
ONE, TWO = suite_of(1), suite_of(2)
OTHER = {1: TWO, 2: ONE}


def batch_by(suite: Suite, *, sealed: bool = True) -> bytes:
    return make_batch(
        node=NODE, incarnation=7, lane=1, first=1, prev_hash=bytes(32), items=[b"one", Withheld(bytes(32)), b"x" * 400],
        signing_key=PRIVATE, hub_seal_key=suite.sealing_public(PRIVATE) if sealed else None, suite=suite,
    )  # fmt: skip


def message_by(suite: Suite) -> bytes:
    return message.make_message(
        message.HELLO, {1: 2}, signer=NODE, audience=HUB, epoch=1, signing_key=PRIVATE, suite=suite
    )


def store_by(folder: Path, suite: Suite | None) -> ApplianceStore:
    return ApplianceStore(
        folder / "node.db", bytes(32), node=NODE, role="courier", clock=SystemClock(), entropy=SystemEntropy(),
        suite=suite,
    )  # fmt: skip


@pytest.mark.parametrize("suite", [ONE, TWO], ids=["1", "2"])
@pytest.mark.row("I33.4", "H35.7")
def test_a_batch_opens_by_its_own_suite_alone(suite: Suite) -> None:
    public, other = suite.signing_public(PRIVATE), OTHER[suite.number]
    for raw in (batch_by(suite), batch_by(suite, sealed=False)):
        opened = open_batch(raw, parse_header(raw), public_key=public, open_key=PRIVATE, suite=suite)
        assert [opened.items[0], opened.items[2]] == [b"one", b"x" * 400]
        with pytest.raises(PeerFault, match=r"batch\.suite"):
            open_batch(raw, parse_header(raw), public_key=public, open_key=PRIVATE, suite=other)
        renamed = raw[:5] + bytes((other.number,)) + raw[6:]
        with pytest.raises(PeerFault, match=r"batch\.(suite|length)"):
            open_batch(renamed, parse_header(renamed), public_key=public, open_key=PRIVATE, suite=suite)
        with pytest.raises(PeerFault, match=r"batch\.suite"):
            parse_header(raw[:5] + b"\x03" + raw[6:])


@pytest.mark.parametrize("suite", [ONE, TWO], ids=["1", "2"])
@pytest.mark.row("I33.4")
def test_messages_and_segments_open_by_their_own_suite_alone(suite: Suite) -> None:
    public, other = suite.signing_public(PRIVATE), OTHER[suite.number]
    raw = message_by(suite)
    assert message.open_message(raw, suite=suite, keys=lambda _n, _k: public, audience=HUB).body == {1: 2}
    with pytest.raises(PeerFault, match=r"message\.suite"):
        message.open_message(raw, suite=other, keys=lambda _n, _k: public, audience=HUB)
    with pytest.raises(PeerFault, match=r"message\.suite"):
        message.parse_short_header(raw[:5] + b"\x00" + raw[6:])
    segment = make_segment(
        hub=HUB, label="site", epoch=1, first=1, prev_e=bytes(32), entries=[b"entry"], signing_key=PRIVATE, suite=suite
    )
    assert open_segment(segment, public, suite=suite).entries == [b"entry"]
    with pytest.raises(PeerFault, match=r"batch\.suite"):
        open_segment(segment, public, suite=other)


@pytest.mark.parametrize("suite", [ONE, TWO], ids=["1", "2"])
@pytest.mark.row("I33.4")
def test_a_database_keeps_the_suite_it_was_begun_with(suite: Suite, tmp_path: Path) -> None:
    store = store_by(tmp_path, suite)
    store.start_incarnation("test")
    store.close()
    with pytest.raises(Unavailable, match=r"store\.suite"):
        store_by(tmp_path, OTHER[suite.number])
    again = store_by(tmp_path, None)
    assert again.suite.number == suite.number
    [stream] = own_streams(again)
    held = cut(again, stream, 1, facts_max=9, bytes_max=65536)
    assert held is not None
    raw = make_batch(
        node=NODE, incarnation=stream.incarnation, lane=stream.lane, first=1, prev_hash=held.prev_hash,
        items=held.items, signing_key=PRIVATE, hub_seal_key=None, suite=suite,
    )  # fmt: skip
    assert parse_header(raw).head == held.head_hash, "the log is chained with the suite's hash"
    page = Page(1, tuple(held.items), ((len(held.items), raw[:PROOF_BYTES]),))
    public = suite.signing_public(PRIVATE)
    own = {suite.key_id(public): public}
    assert proven(page, parse_header(raw).stream, bytes(32), own, suite)[1] == len(page.items)
    again.close()


@pytest.mark.parametrize("suite", [ONE, TWO], ids=["1", "2"])
@pytest.mark.row("I33.4")
def test_a_site_pins_its_suite_in_every_record(suite: Suite, tmp_path: Path) -> None:
    site = make_site(tmp_path / "hub", site="s", now_ms=SystemClock().wall_ms(), entropy=SystemEntropy(), suite=suite)
    assert open_site(tmp_path / "hub").suite.number == load_keys(tmp_path / "hub").suite.number == suite.number
    assert len(site.keys.signing_public) == len(site.keys.sealing_public) == PUBLIC_BYTES[suite.number]
    other = OTHER[suite.number]
    foreign = make_site(tmp_path / "two", site="s", now_ms=0, entropy=SystemEntropy(), suite=other)
    write_whole(tmp_path / "hub" / "trust.way", foreign.bundle.raw)
    with pytest.raises(PeerFault, match=r"trust\.suite"):
        open_site(tmp_path / "hub")

    keys = make_keys(tmp_path / "box", SystemEntropy(), suite)
    asked = make_request(
        site="s", role="courier", token=bytes(16), csr=make_csr(make_tls_key()), signing_key=keys.signing,
        sealing_public=keys.sealing_public, software="test", suite=suite,
    )  # fmt: skip
    assert read_enrol_request(asked, suite).signing == keys.signing_public
    with pytest.raises(PeerFault, match=r"enrol\.suite"):
        read_enrol_request(asked, other)


def test_a_record_whose_keys_are_of_another_suite_is_none() -> None:
    good: dict[str, Any] = dict(node=NODE, role="courier", suite=2, signing=bytes(64), sealing=bytes(64), tls=bytes(32))
    assert Identity.read(Identity(**good, issued_ms=1).body()).suite == 2
    for wrong in ({"suite": 1}, {"signing": bytes(32)}, {"sealing": bytes(32)}, {"suite": 3}, {"signing": bytes(65)}):
        with pytest.raises(PeerFault, match=r"identity\.body"):
            Identity.read(Identity(**(good | wrong), issued_ms=1).body())


def test_the_card_tells_the_machine_which_suite() -> None:
    for number in (1, 2):
        card = Card("s", "courier", ("https://hub.example:8443",), bytes(32), bytes(16), 1, number)
        assert read_card(card_text(card)) == card


@pytest.mark.parametrize("drawn", [bytes(32), b"\xff" * 32])
def test_what_is_no_key_of_the_suite_is_a_damaged_key(drawn: bytes, tmp_path: Path) -> None:
    make_keys(tmp_path, SystemEntropy(), TWO)
    write_whole(tmp_path / "sealing.key", drawn)
    with pytest.raises(Unavailable, match=r"key\.damaged"):
        load_keys(tmp_path, TWO)
