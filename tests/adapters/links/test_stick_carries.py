"""What else a stick carries: questions about leases and their answers, large bytes, and that beside a running line."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from appliance.link.letters import Letters
from appliance.link.stick_post import BLOB_BYTES_MAX, StickPost
from appliance.link.trust_book import BoxKeys, TrustBook
from hub.link.blob_desk import BlobDesk
from hub.link.stick_desk import StickDesk
from sync.adapters.blob_store.folder import FolderStore
from sync.adapters.leases.hub_tables import Wish
from sync.adapters.sqlite_log.kept_blobs import KeptBlobs
from sync.adapters.stick_link import read_stick, write_stick
from sync.kernel.limits import BLOB_CHUNK_BYTES
from sync.protocol import lease as words
from sync.protocol import message, stick
from tests.adapters.links.conftest import HUB, Machine, World
from tests.adapters.links.test_feeds import collected
from tests.adapters.links.test_stick import Walked, turned
from tests.waiting import until


def hash32(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()


class Carried(Walked):
    """A machine whose process runs, with leases and large bytes; nothing reaches the hub but files."""

    def __init__(self, world: World, machine: Machine | None = None) -> None:
        super().__init__(world, machine)
        folder = self.machine.folder
        self.blobs = KeptBlobs(self.store, FolderStore(folder / "blobs", hash32), hash32)
        self.leases = self.machine.leases
        book = TrustBook(
            BoxKeys(self.machine.node, self.machine.signing, world.hub.suite), world.bundle.raw, lambda raw: None
        )
        self.post = StickPost(
            self.store, Letters(self.store, book, "test"), book, self.machine.sealing,
            leases=self.leases, blobs=self.blobs,
        )  # fmt: skip
        self.there = FolderStore(folder / "at-hub", hash32)
        self.desk = StickDesk(
            world.hub, world.door, world.desk, world.feeds, world.voice, trust=lambda: world.bundle.raw,
            blobs=BlobDesk(world.hub, world.voice, self.there, hash32),
        )  # fmt: skip

    def picture(self, sealed: bytes) -> bytes:
        blob = self.blobs.stage(sealed)
        with self.store.write() as unit:
            self.blobs.describe(unit, blob, "image/png", (10, "1002-1"))
        return blob


@pytest.fixture
def carried(world: World) -> Carried:
    return Carried(world)


@pytest.mark.row("F10.14")
def test_leases_are_asked_for_and_granted_by_file(carried: Carried) -> None:
    leases = carried.leases
    leases.want_numbers("ticket:hall", 10)
    up = carried.up()
    assert sum(message.parse_short_header(raw).type == message.ASK for raw in shorts(up)) == 2
    back = carried.at_hub(up)
    assert carried.down(back).leases == 2 and len(leases.listing()) == 2
    carried.down(back)
    carried.down(carried.at_hub(up))
    assert len(leases.listing()) == 2, "the same asks have the same answers, however often the files are walked"
    drawn = []
    for _ in range(20):
        with carried.store.write() as unit:
            drawn.append(leases.next_number(unit, "ticket:hall").text)
    assert drawn == [str(n) for n in range(1, 21)]


def test_what_a_person_granted_comes_down_unasked(carried: Carried) -> None:
    row = carried.world.hub.node_row(carried.machine.node)
    assert row is not None
    carried.world.office.grant(row, Wish(words.READ, "record:W12", 3, 3600, 3600), "u-admin")
    assert carried.walk().leases == 1 and len(carried.leases.usable(words.READ, "record:W12")) == 1


@pytest.mark.row("F10.14")
def test_large_bytes_go_up_whole_and_are_signed_for(carried: Carried) -> None:
    sealed = [b"\x01" * 100, bytes(range(256)) * (BLOB_CHUNK_BYTES // 256) + b"\x02" * 77]
    names = [carried.picture(each) for each in sealed]
    packed = carried.post.pack()
    assert (packed.blobs, packed.blobs_left) == (2, 0)
    up = carried.up()
    back = carried.at_hub(up)
    assert carried.blobs.left()[0] == 2, "the file alone frees nothing"
    done = carried.down(back)
    assert done.blobs == 2 and not done.refused and carried.blobs.left() == (0, 0)
    for name, each in zip(names, sealed, strict=True):
        assert b"".join(carried.there.chunk(name, n) or b"" for n in range(2)) == each
    assert carried.post.pack().blobs == 0
    carried.down(carried.at_hub(up))
    carried.down(back)
    assert carried.blobs.left() == (0, 0) and set(carried.there.finished()) == set(names)


def test_half_a_parcel_of_large_bytes_is_none_and_the_facts_beside_it_count(carried: Carried) -> None:
    collected(carried.store, "1002-1")
    carried.picture(b"\x03" * 200_000)
    messages = carried.post.pack().messages
    parcels = [n for n, raw in enumerate(messages) if is_parcel(raw)]
    assert len(parcels) >= 3
    for missing in (parcels[0], parcels[-1]):
        cut = [raw for n, raw in enumerate(messages) if n != missing]
        done = carried.down(carried.at_hub(write_stick(carried.dir, carried.machine.node, cut)))
        assert done.blobs == 0 and carried.blobs.left()[0] == 1 and carried.box.drained()
    bent = [turned(raw, len(raw) - 40) if n == parcels[0] else raw for n, raw in enumerate(messages)]
    assert carried.down(carried.at_hub(write_stick(carried.dir, carried.machine.node, bent))).blobs == 0
    assert list(carried.there.finished()) == []
    assert carried.walk().blobs == 1 and carried.blobs.left() == (0, 0)


def test_another_machines_parcel_is_not_taken_for_this_ones(carried: Carried) -> None:
    carried.picture(b"\x04" * 5000)
    other = Carried(carried.world)
    theirs = other.post.pack().messages + [raw for raw in carried.post.pack().messages if is_parcel(raw)]
    answer = other.desk.take(stick.pack(theirs))
    back = write_stick(other.dir / "back", HUB, stick.unpack(answer))
    assert other.down(back).blobs == 0, "the signed word is for the machine that signed the parcel"
    assert carried.down(back).blobs == 1


def test_what_does_not_fit_goes_with_the_next_walk(carried: Carried, monkeypatch: pytest.MonkeyPatch) -> None:
    assert BLOB_BYTES_MAX > 20 * BLOB_CHUNK_BYTES
    monkeypatch.setattr("appliance.link.stick_post.BLOB_BYTES_MAX", 1500)
    for n in range(3):
        carried.picture(bytes([n]) * 1000)
    left = []
    while carried.blobs.left()[0]:
        left.append(carried.post.pack().blobs_left)
        assert carried.walk().blobs == 1
    assert left == [2, 1, 0]


def test_a_stick_beside_a_line_moves_the_session_too(world: World) -> None:
    """The line is silent; what the stick brings is neither sent again nor waited for when it is back."""
    box = world.box_at(world.silent_port())
    walked = Carried(world, box.machine)
    for n in range(5):
        collected(box.store, f"{2000 + n}-1")
    with box.link.aside(moves=False) as number:
        messages = walked.post.pack(number).messages
    back = walked.at_hub(write_stick(walked.dir, box.machine.node, messages))
    with box.link.aside(moves=True):
        done = walked.down(back)
    assert done.acknowledged >= 5 and box.drained()
    until(lambda: box.link.unsigned == 0)


def shorts(path: Path) -> list[bytes]:
    return [raw for raw in read_stick(path) if not raw.startswith(b"WAYB")]


def is_parcel(raw: bytes) -> bool:
    return raw.startswith(b"WAYM") and message.parse_short_header(raw).type == message.PARCEL
