"""Sealed bytes over a line that breaks: they arrive whole, no chunk travels twice but the one that was cut."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.link.blob_sender import BlobSender
from appliance.link.runner import Link
from appliance.link.trust_book import BoxKeys, TrustBook
from provisioning.demo.relay import LineSpec, Relay
from sync.adapters.blob_store.folder import FolderStore
from sync.adapters.https_blobs import HttpsBlobs
from sync.adapters.https_link import HttpsFeeds, HttpsLink
from sync.adapters.sqlite_log import down, outbox
from sync.adapters.sqlite_log.kept_blobs import KeptBlobs
from sync.domain.blobs.facts import BLOB
from sync.domain.tracking.facts import STAY
from sync.kernel.fact import NewFact
from sync.kernel.limits import BLOB_CHUNK_BYTES, BLOB_UNFINISHED_S_MAX, BLOBS_UNFINISHED_MAX
from sync.kernel.outcome import PeerFault, Unavailable
from sync.kernel.suite import suite1
from sync.protocol.blob import blob_id, chunks_of, missing_in
from tests.waiting import until

PATIENCE_S = 90.0
OWNER = (STAY, "00731846-1")


class Counting(HttpsBlobs):
    """Counts the chunks that left, and lets the test cut the line in the middle of one."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.put_count: Counter[int] = Counter()
        self.order: list[bytes] = []
        self.before: Callable[[int], None] = lambda n: None

    def want(self, blob: bytes, size_bytes: int) -> bytes:
        self.order.append(blob)
        return super().want(blob, size_bytes)

    def put(self, blob: bytes, n: int, data: bytes, digest: bytes) -> None:
        self.put_count[n] += 1
        self.before(n)
        super().put(blob, n, data, digest)


class Taker:
    """A box that takes pages, on a line that can be cut."""

    def __init__(self, world: Any, folder: Path, *, bytes_per_s: int = 0) -> None:
        self.world = world
        self.machine = world.machine("records", scopes=["site:stays"])
        self.relay = Relay([LineSpec(self.machine.node, {"https": ("127.0.0.1", world.https_port)})])
        self.relay.start()
        self.url = f"https://127.0.0.1:{self.relay.port(self.machine.node, 'https')}"
        self.tls, self.ca = world.tls(self.machine.node), world.folder / "ca.crt"
        self.kept = KeptBlobs(self.machine.store, FolderStore(folder / self.machine.node, suite1.hash), suite1.hash)
        self.hub = Counting(self.url, self.tls, self.ca)
        self.link = Link(
            self.machine.store,
            TrustBook(
                BoxKeys(self.machine.node, self.machine.signing, suite=suite1), world.bundle.raw, lambda raw: None
            ),
            lambda heard: [HttpsLink(self.url, self.tls, self.ca, heard)],
            HttpsFeeds(self.url, self.tls, self.ca),
            software="test",
            draw=random.Random(1).random,
            backoff_cap_s=0.5,
            connect_s_max=2.0,
            make_blobs=lambda heard: BlobSender(
                self.kept, self.hub, heard, suite1.hash, bytes_per_s=bytes_per_s, draw=random.Random(2).random
            ),
        )

    def line(self, mode: Any) -> None:
        self.relay.set_mode(self.machine.node, mode)

    def take(self, size: int, seed: int, preview: bytes | None = None) -> bytes:
        """A page as a scanning area makes it: bytes first, then the fact."""
        blob = self.kept.stage(random.Random(seed).randbytes(size))
        small = None if preview is None else self.kept.stage(preview)
        with self.machine.store.write() as unit:
            self.kept.describe(unit, blob, "image/jpeg", OWNER, page=1, preview=small)
        return blob

    def at_hub(self, blob: bytes) -> int | None:
        return FolderStore(self.world.folder / "hub-blobs", suite1.hash).size(blob)

    def done(self) -> bool:
        return self.kept.left() == (0, 0)

    def close(self) -> None:
        self.link.stop()
        self.relay.stop()


@pytest.fixture
def taker(world: Any, tmp_path: Path) -> Iterator[Taker]:
    made = Taker(world, tmp_path)
    yield made
    made.close()


@pytest.mark.row("I25.1")
@pytest.mark.row("I25.2")
@pytest.mark.parametrize("mode", ["refused", "silent"])
def test_a_transfer_that_is_cut_goes_on_with_the_chunk_it_was_cut_in(taker: Taker, mode: str) -> None:
    size = 6 * BLOB_CHUNK_BYTES - 11
    blob = taker.take(size, seed=1)
    cut = threading.Event()

    def cut_in_the_third(n: int) -> None:
        if n == 2 and not cut.is_set():
            taker.line(mode)
            cut.set()  # only now: whoever waits for it puts the line up again

    taker.hub.before = cut_in_the_third
    taker.link.start()
    until(cut.is_set)
    assert taker.at_hub(blob) is None and taker.kept.left() == (1, size)
    taker.line("up")
    until(taker.done)
    assert taker.at_hub(blob) == size
    assert {n: count for n, count in taker.hub.put_count.items() if count != 1} in ({2: 2}, {})
    described = until(lambda: taker.world.hub.state(BLOB, blob.hex()))
    assert (described.size_bytes, described.owner) == (size, OWNER)


def test_previews_go_first_and_what_the_hub_has_does_not_travel_again(taker: Taker) -> None:
    page = taker.take(BLOB_CHUNK_BYTES + 5, seed=3, preview=b"small")
    taker.link.start()
    until(taker.done)
    assert len(taker.hub.order) == 2 and taker.hub.order[1] == page, "the preview was asked for first"
    sent = taker.hub.put_count.total()
    again = taker.take(BLOB_CHUNK_BYTES + 5, seed=3)
    assert again == page
    until(taker.done)
    assert taker.hub.put_count.total() == sent


@pytest.mark.row("I25.2")
def test_large_bytes_keep_to_their_own_share_of_the_line_and_facts_do_not_wait_for_them(
    world: Any, tmp_path: Path
) -> None:
    """After a chunk the sender rests for as long as the cap says that it took: here a minute, and then 0.25 s each."""
    slow = Taker(world, tmp_path / "slow", bytes_per_s=BLOB_CHUNK_BYTES // 60)
    try:
        slow.take(2 * BLOB_CHUNK_BYTES, seed=21)
        slow.link.start()
        until(lambda: slow.hub.put_count.total() == 1)
        with slow.machine.store.write() as unit:
            fid = unit.append(NewFact(120, 50, slow.machine.node, {1: "note", 5: True}))
        until(lambda: acked(slow, fid.lane) >= fid.seq)
        assert slow.hub.put_count.total() == 1, "the fact was signed for while the bytes rested"
        stopped_at = time.monotonic()
        slow.link.stop()
        assert time.monotonic() - stopped_at < 30, "nobody waits for the rest of the pause"
    finally:
        slow.close()
    capped = Taker(world, tmp_path / "capped", bytes_per_s=4 * BLOB_CHUNK_BYTES)
    try:
        capped.take(4 * BLOB_CHUNK_BYTES, seed=22)
        began = time.monotonic()
        capped.link.start()
        until(capped.done)
        assert time.monotonic() - began >= 4 * 0.25
    finally:
        capped.close()


def acked(taker: Taker, lane: int) -> int:
    return max((each.acked for each in outbox.own_streams(taker.machine.store) if each.lane == lane), default=0)


def test_a_box_that_restarts_asks_about_what_was_never_signed_for(taker: Taker, tmp_path: Path) -> None:
    blob = taker.take(10, seed=4)
    orphan = taker.kept.stage(b"the power went before anybody told of these")
    assert taker.hub.want(blob, 10) == b"\x80"
    taker.hub.put(blob, 0, taker.kept.chunk(blob, 0), suite1.hash(taker.kept.chunk(blob, 0)))
    taker.hub.finish(blob)
    taker.kept.accepted(blob)
    assert taker.kept.next() is None and taker.kept.left() == (1, 10)
    taker.link.start()
    until(taker.done)
    assert taker.kept.bytes_in.size(orphan) is None and taker.kept.bytes_in.size(blob) == 10


def test_a_higher_epoch_makes_all_kept_blobs_asked_for_again(taker: Taker) -> None:
    blob = taker.take(10, seed=5)
    taker.link.start()
    until(taker.done)
    taker.hub.order.clear()

    def asked_again() -> bool:
        """What the sender asked at its start may be answered after the epoch, which is the same number here."""
        if taker.done() and not taker.hub.order:
            down.raise_epoch(taker.machine.store, taker.machine.store.meta_int("hub_epoch"))
            taker.link.call_now()
            with taker.machine.store.write() as unit:
                taker.kept.describe(unit, blob, "image/jpeg", OWNER)
        return taker.done() and bool(taker.hub.order)

    until(asked_again)
    assert set(taker.hub.order) == {blob} and taker.hub.put_count.total() == 1, "it was there: nothing travelled"


def test_bytes_that_may_go_are_gone_for_good_and_a_lost_blob_is_sent_again(taker: Taker) -> None:
    gone, lost = taker.take(10, seed=15), taker.take(11, seed=16)
    taker.link.start()
    until(taker.done)
    assert set(taker.kept.held(10)) == {gone, lost}
    taker.kept.signed([(gone, True)])
    assert taker.kept.bytes_in.size(gone) is None and taker.kept.held(10) == [lost]
    taker.kept.signed([(gone, False)])
    assert taker.kept.held(10) == [lost], "an older word brings nothing back"
    down.raise_epoch(taker.machine.store, taker.machine.store.meta_int("hub_epoch"))
    assert taker.kept.left() == (1, 11), "what is only there is not asked for again"
    taker.take(12, seed=17)
    until(taker.done)
    FolderStore(taker.world.folder / "hub-blobs", suite1.hash).drop(lost)
    sender = BlobSender(taker.kept, taker.hub, lambda word: None, suite1.hash, bytes_per_s=0, draw=lambda: 0.0)
    sender.ask_what_may_go()
    taker.take(13, seed=18)
    until(lambda: taker.at_hub(lost) == 11)


def test_only_whoever_holds_a_scope_of_the_owner_reads_it(world: Any, tmp_path: Path, taker: Taker) -> None:
    blob = taker.take(10, seed=6)
    taker.link.start()
    until(taker.done)
    until(lambda: taker.world.hub.state(BLOB, blob.hex()))
    with pytest.raises(PeerFault, match=r"blob\.not-for-you"):
        taker.hub.chunk(blob, 0)


BAD: list[tuple[str, Callable[[HttpsBlobs, bytes, bytes], object], str]] = [
    ("no size", lambda hub, blob, data: hub.want(blob, 0), "blob.size"),
    ("too large", lambda hub, blob, data: hub.want(blob, 2**50), "blob.size"),
    ("nobody asked", lambda hub, blob, data: hub.put(blob, 0, data, suite1.hash(data)), "blob.unasked"),
    ("finish what nobody asked", lambda hub, blob, data: hub.finish(blob), "blob.unasked"),
    ("short", lambda hub, blob, data: asked(hub, blob, data).put(blob, 0, data[1:], suite1.hash(data[1:])),
     "blob.chunk-size"),
    ("no such chunk", lambda hub, blob, data: asked(hub, blob, data).put(blob, 1, data, suite1.hash(data)),
     "blob.chunk"),
    ("wrong hash", lambda hub, blob, data: asked(hub, blob, data).put(blob, 0, data, bytes(32)), "blob.chunk-hash"),
    ("another size", lambda hub, blob, data: asked(hub, blob, data).want(blob, 11), "blob.size"),
    ("wrong bytes", lambda hub, blob, data: wrong(hub, blob, data).finish(blob), "blob.id"),
    ("a name that is none", lambda hub, blob, data: hub._call("POST", "/blobs/..%2fetc/want", b"\xa1\x01\x01"),
     "blob.name"),
    ("a name in capitals", lambda hub, blob, data: hub._call("POST", f"/blobs/{'AB' * 32}/want", b"\xa1\x01\x01"),
     "blob.name"),
    ("no body", lambda hub, blob, data: hub._call("POST", f"/blobs/{blob.hex()}/want", b"\xff"),
     "cbor.malformed"),
    ("a chunk too large", lambda hub, blob, data: asked(hub, blob, data)._call(
        "PUT", f"/blobs/{blob.hex()}/chunks/0?digest={'00' * 32}", bytes(BLOB_CHUNK_BYTES + 1)), "blob.too-big"),
]  # fmt: skip


def asked(hub: HttpsBlobs, blob: bytes, data: bytes) -> HttpsBlobs:
    hub.want(blob, len(data))
    return hub


def wrong(hub: HttpsBlobs, blob: bytes, data: bytes) -> HttpsBlobs:
    other = bytes(len(data))
    asked(hub, blob, data).put(blob, 0, other, suite1.hash(other))
    return hub


@pytest.mark.parametrize(("call", "code"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_blobs_are_refused_with_a_code_and_nothing_is_kept(
    taker: Taker, call: Callable[[HttpsBlobs, bytes, bytes], object], code: str
) -> None:
    data = random.Random(code).randbytes(10)
    blob = blob_id([suite1.hash(data)], suite1.hash)
    with pytest.raises(PeerFault) as refused:
        call(taker.hub, blob, data)
    assert refused.value.code == code
    assert taker.at_hub(blob) is None
    assert list(missing_in(taker.hub.want(blob, 10), chunks_of(10))) == [0]


def test_one_box_cannot_fill_the_hub_with_halves(taker: Taker) -> None:
    for n in range(BLOBS_UNFINISHED_MAX):
        taker.hub.want(suite1.hash(b"%d" % n), 10)
    with pytest.raises(PeerFault, match=r"blob\.too-many"):
        taker.hub.want(suite1.hash(b"one more"), 10)


def test_a_line_that_is_gone_is_unavailable(taker: Taker) -> None:
    taker.line("refused")
    with pytest.raises(Unavailable):
        taker.hub.want(bytes(32), 10)


def test_halves_that_nobody_asked_about_for_a_week_make_room(taker: Taker) -> None:
    halves = [suite1.hash(b"%d" % n) for n in range(BLOBS_UNFINISHED_MAX)]
    for half in halves:
        taker.hub.want(half, 10)
    data = random.Random(1).randbytes(10)
    taker.hub.put(halves[0], 0, data, suite1.hash(data))
    with taker.world.hub.write() as unit:
        unit.conn.execute("UPDATE blob SET began_at = began_at - ?", (1000 * BLOB_UNFINISHED_S_MAX + 1,))
    assert taker.hub.want(halves[1], 10) == b"\x80", "whoever asks again still has its place"
    taker.hub.want(suite1.hash(b"one more"), 10)
    with pytest.raises(PeerFault, match=r"blob\.unasked"):
        taker.hub.put(halves[0], 0, data, suite1.hash(data))
    assert taker.hub.want(halves[0], 10) == b"\x80", "its bytes went, too"


def test_a_blob_that_the_hub_refuses_holds_nobody_up(taker: Taker) -> None:
    """Its turn comes last from then on; the refusal is counted where people look, and it goes when the hub takes it."""
    refused = taker.take(10, seed=8)
    others = [taker.take(20 + n, seed=20 + n) for n in range(3)]
    with taker.world.hub.write() as unit:  # somebody else has told another size of this name
        unit.conn.execute(
            "INSERT INTO blob (id, node, bytes, began_at) VALUES (?, ?, ?, ?)", (refused, "ward-aaaaaaaa", 11, 2**40)
        )
    taker.link.start()
    until(lambda: taker.kept.left() == (1, 10))
    assert all(taker.at_hub(blob) for blob in others)
    assert taker.link.counts["blob.size"] >= 1
    with taker.machine.store.read() as conn:
        assert conn.execute("SELECT n FROM tally WHERE code = 'refused.blob.size'").fetchone()[0] >= 1
    with taker.world.hub.write() as unit:
        unit.conn.execute("DELETE FROM blob WHERE id = ?", (refused,))
    taker.link.call_now()
    until(taker.done)
