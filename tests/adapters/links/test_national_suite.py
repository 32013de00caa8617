"""The national algorithms where the day of a whole site does not lead: snapshots, leases, pages, HTTPS, sticks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.link.blob_sender import BlobSender
from appliance.link.letters import Letters
from appliance.link.rounds import Rounds
from appliance.link.stick_post import StickPost
from appliance.link.trust_book import BoxKeys, TrustBook
from hub.link.blob_desk import BlobDesk
from hub.link.publisher import Publisher
from hub.link.stick_desk import StickDesk
from sync.adapters.blob_store.folder import FolderStore
from sync.adapters.https_blobs import HttpsBlobs
from sync.adapters.keys.suites import suite_of
from sync.adapters.leases.hub_tables import Wish
from sync.adapters.sqlite_log import down, hub_snapshots
from sync.adapters.sqlite_log.hub_snapshots import Worth
from sync.adapters.sqlite_log.kept_blobs import KeptBlobs
from sync.kernel.limits import BLOB_CHUNK_BYTES
from sync.kernel.outcome import Refused
from sync.protocol import lease as words
from sync.protocol import stick
from tests.adapters.links.conftest import Machine, World, open_world
from tests.adapters.links.test_feeds import collected, due, opened
from tests.waiting import until

STAYS, WARD, RECORDS = "site:stays", "ward:W12", "record:W12"


@pytest.fixture
def national(tmp_path: Path) -> Iterator[World]:
    yield from open_world(tmp_path, suite_of(2))


def book_of(world: World, machine: Machine) -> TrustBook:
    return TrustBook(BoxKeys(machine.node, machine.signing, world.hub.suite), world.bundle.raw, lambda raw: None)


def kept_by(machine: Machine) -> KeptBlobs:
    hash32 = machine.store.suite.hash
    return KeptBlobs(machine.store, FolderStore(machine.folder / "blobs", hash32), hash32)


@pytest.mark.row("I33.1")
def test_over_https_a_ward_begins_a_lease_is_used_and_pages_go_up(
    national: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = national
    monkeypatch.setattr(hub_snapshots, "SEGMENT_ENTRIES", 20)
    opened(world, 70)
    due(world, 1001)
    until(world.digested)
    Publisher(world.hub, world.voice, Worth(members=10, entries=5)).look()

    # A snapshot in four signed segments, its root by SM3.
    first = world.machine(scopes=[STAYS])
    down.raise_epoch(first.store, world.hub.epoch)
    down.set_scopes(first.store, 1, [STAYS])
    told = Rounds(first.store, world.feeds_of(first), book_of(world, first)).run()
    assert told.begun == [STAYS] and told.repaired == []

    box = world.box("https", machine=first)
    collected(box.store, "1002-1")
    until(lambda: box.drained() and world.digested() and box.copy(STAYS) == world.placed(STAYS))
    assert box.store.suite.number == 2 and len(box.store.state(10, "1002-1").collections) == 1

    # Numbers, and a read whose key is sealed to the box by SM2.
    leases = first.leases
    monkeypatch.setattr(world.office, "_keys_of", lambda resource: (b"k" * 32,))
    leases.want_numbers("ticket:hall", 10)
    until(lambda: len(leases.listing()) == 2)
    row = world.hub.node_row(first.node)
    assert row is not None
    raw = world.office.grant(row, Wish(words.READ, RECORDS, 3, 3600, 3600), "u-admin")
    assert isinstance(raw, bytes)
    world.post.deliver(first.node, [raw])
    (lease,) = until(lambda: leases.usable(words.READ, RECORDS))
    with box.store.write() as unit:
        use = leases.use(unit, lease.id)
    assert not isinstance(use, Refused) and use.keys == (b"k" * 32,)

    # Pages: named, chunked and checked by SM3.
    kept, sealed = kept_by(first), b"\x07" * (BLOB_CHUNK_BYTES + 5)
    blob = kept.stage(sealed)
    with box.store.write() as unit:
        kept.describe(unit, blob, "image/png", (10, "1002-1"))
    heard: list[bytes] = []
    tls = world.tls(first.node)
    hub = HttpsBlobs(world.https_url, tls, world.folder / "ca.crt")
    BlobSender(kept, hub, heard.append, first.store.suite.hash, bytes_per_s=0, draw=lambda: 0.5).send_all()
    book = book_of(world, first)
    assert [book.open(each).type for each in heard] == [16] and kept.next() is None


@pytest.mark.row("I33.1", "F10.14")
def test_a_stick_carries_all_of_it(national: World) -> None:
    world, machine = national, national.machine(scopes=[STAYS, WARD])
    opened(world, 30)
    due(world, 1001)
    until(world.digested)
    collected(machine.store, "1002-1")
    kept, book = kept_by(machine), book_of(world, machine)
    blob = kept.stage(b"\x08" * 100_000)
    with machine.store.write() as unit:
        kept.describe(unit, blob, "image/png", (10, "1002-1"))
    machine.leases.want_numbers("ticket:hall", 10)
    letters = Letters(machine.store, book, "test")
    post = StickPost(machine.store, letters, book, machine.sealing, leases=machine.leases, blobs=kept)
    suite = world.hub.suite
    desk = StickDesk(
        world.hub, world.door, world.desk, world.feeds, world.voice, trust=lambda: world.bundle.raw,
        publish=Publisher(world.hub, world.voice, Worth(members=10**6, entries=10**6)).publish,
        blobs=BlobDesk(world.hub, world.voice, FolderStore(machine.folder / "there", suite.hash), suite.hash),
    )  # fmt: skip
    done = post.take(stick.unpack(desk.take(stick.pack(post.pack().messages))))
    assert done.acknowledged >= 3 and done.blobs == 1 and done.leases == 2 and not done.refused
    assert done.rounds is not None and done.rounds.begun == [STAYS, WARD]
