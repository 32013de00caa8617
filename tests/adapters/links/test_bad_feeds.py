"""Wrong answers to what a box asks of feeds: heads, segments, manifests, snapshots, sets and parcels.

Every answer but one is what the real hub gave. A round refuses the wrong one as the hub's fault, or a repair mends the
copy; what is held is always what it was before or what the hub really has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from appliance.link.rounds import Rounds
from appliance.link.trust_book import BoxKeys, TrustBook
from hub.link.publisher import Publisher
from sync.adapters.https_link import HttpsFeeds
from sync.adapters.sqlite_log import bootstrap, down, hub_snapshots
from sync.adapters.sqlite_log.hub_snapshots import Worth
from sync.kernel import canonical
from sync.kernel.outcome import PeerFault
from sync.kernel.suite import suite1
from sync.protocol import frames, message
from sync.protocol.long_header import SEGMENT, plain_of
from sync.protocol.segment import make_segment, open_segment, parse_segment_header
from tests.adapters.bad_input.cbor_traps import TRAPS
from tests.adapters.bad_input.envelopes import Kind, Writer, by_other, long_kinds, short_kinds
from tests.adapters.links.conftest import HUB, Box, World
from tests.adapters.links.test_feeds import opened

STAYS = "site:stays"


class Retold(HttpsFeeds):
    """What the real hub answered once, told again; some answers are replaced by what the test wants."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.kept: dict[str, bytes] = {}
        self.wrong: dict[str, bytes] = {}

    def _call(self, method: str, path: str, body: bytes | None = None) -> bytes:
        if path in self.wrong:
            return self.wrong[path]
        if path not in self.kept:
            self.kept[path] = super()._call(method, path, body)
        return self.kept[path]

    def snapshot(self, label: str, epoch: int, sseq: int, k: int) -> Iterator[bytes]:
        if "snapshot" not in self.kept:
            self.kept["snapshot"] = frames.pack(list(super().snapshot(label, epoch, sseq, k)))
        incoming = frames.Incoming()
        yield from incoming.take(self.wrong.get("snapshot", self.kept["snapshot"]))
        incoming.end()


class Reader:
    """A machine that takes rounds by hand."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.machine = world.machine(scopes=[STAYS])
        self.store = self.machine.store
        down.raise_epoch(self.store, world.hub.epoch)
        down.set_scopes(self.store, 1, [STAYS])
        self.feeds = Retold(world.https_url, world.tls(self.machine.node), world.folder / "ca.crt")
        book = TrustBook(
            BoxKeys(self.machine.node, self.machine.signing, suite=suite1), world.bundle.raw, lambda raw: None
        )
        self.rounds = Rounds(self.store, self.feeds, book)
        self.box = Box(self.machine, None, {})  # type: ignore[arg-type]

    def at(self) -> tuple[Any, ...]:
        with self.store.read() as conn:
            return tuple(conn.execute("SELECT epoch, sseq, e, to_repair FROM cursor").fetchone())

    def put_back(self, at: tuple[Any, ...]) -> None:
        with self.store.write() as unit:
            unit.conn.execute("UPDATE cursor SET epoch = ?, sseq = ?, e = ?, to_repair = ?", at)

    def play(self, path: str, kinds: list[Kind], right: list[Any]) -> None:
        """Each as the answer to `path`."""
        start = self.at()
        for kind in kinds:
            self.feeds.wrong = {path: kind.raw}
            try:
                self.rounds.run()
            except PeerFault:
                assert self.at() == start, kind.name
            else:
                assert self.box.copy(STAYS) == right[-1], f"{kind.name}: taken, and the copy is not the hub's"
                self.put_back(start)
            assert self.box.copy(STAYS) in right, kind.name
        self.feeds.wrong = {}


@pytest.fixture
def reader(world: World) -> Reader:
    opened(world, 6)
    world.wait_digested()
    return Reader(world)


@pytest.fixture
def report(capfd: pytest.CaptureFixture[str]) -> Callable[[str, int], None]:
    """Prints how many kinds a door was given, also where output is captured."""

    def say(door: str, kinds: int) -> None:
        with capfd.disabled():
            print(f"\n  {door}: {kinds} kinds", end="")

    return say


def words_of(raw: bytes, world: World, node: str) -> list[Kind]:
    """A signed message of the hub made wrong."""
    header = message.parse_short_header(raw)
    body = canonical.decode(raw[message.SIGNED_BYTES :])
    to = node if header.audience is None else header.audience
    return [kind for kind in short_kinds(header.type, body, world.voice.keys.signing, HUB, to) if kind.raw]


@pytest.mark.row("H35.7")
def test_wrong_heads_segments_and_sets(reader: Reader, report: Callable[[str, int], None]) -> None:
    world, box = reader.world, reader.box
    reader.rounds.run()
    before = box.copy(STAYS)
    assert len(before) == 6
    opened(world, 3, start=2000)
    world.wait_digested()
    start = reader.at()
    reader.feeds.kept.clear()
    reader.rounds.run()
    after = box.copy(STAYS)
    assert len(after) == 9
    reader.put_back(start)
    right = [before, after]
    heads = words_of(reader.feeds.kept["/heads"], world, reader.machine.node)
    reader.play("/heads", heads, right)
    path = next(path for path in reader.feeds.kept if path.startswith("/feeds/"))
    raw = reader.feeds.kept[path]
    header = parse_segment_header(raw)
    key = world.voice.keys.signing
    to = suite1.sealing_public(bytes(range(32)))
    writer = Writer(HUB, key, to, SEGMENT, header.incarnation, 255, header.first, header.prev, header.head)
    plain = plain_of(raw, header)
    segments = [by_other(writer, plain, header.count)]
    segments += [kind for kind in long_kinds(writer, plain, header.count) if kind.raw and "seal" not in kind.name]
    run = open_segment(raw, world.voice.public, suite=suite1)
    for name, trap in TRAPS.items():  # rightly signed and chained: the hub itself has put it into its feed
        if len(trap) < 3000:
            entries = [trap, *run.entries[1:]]
            made = make_segment(
                hub=HUB, label=STAYS, epoch=run.epoch, first=run.first, prev_e=run.prev_e, entries=entries,
                signing_key=key, suite=suite1,
            )  # fmt: skip
            segments.append(Kind(f"entry: {name}", made))
    reader.play(path, segments, right)
    report("box, heads and segments", len(heads) + len(segments))
    reader.feeds.kept.clear()
    reader.rounds.run()
    assert box.copy(STAYS) == world.placed(STAYS), "a true answer is taken as ever"


def test_wrong_manifests_snapshots_and_first_answers(
    reader: Reader, report: Callable[[str, int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_snapshots, "SEGMENT_ENTRIES", 2)
    world, box = reader.world, reader.box
    whole = world.placed(STAYS)
    repair = f"/feeds/{STAYS}/repair"
    start = reader.at()
    reader.feeds.wrong = {f"/feeds/{STAYS}/manifest": b""}
    reader.rounds.run()  # there is no snapshot yet: the scope begins by repair
    assert box.copy(STAYS) == whole
    answer = frames.unpack(reader.feeds.kept[repair])[0]
    other = Reader(world)
    other.feeds.kept = dict(reader.feeds.kept)
    del other.feeds.kept["/heads"], other.feeds.kept[repair]
    sets = words_of(answer, world, other.machine.node)
    for kind in sets:
        other.feeds.wrong = {repair: frames.pack([kind.raw]), f"/feeds/{STAYS}/manifest": b""}
        with pytest.raises(PeerFault):
            other.rounds.run()
        assert not other.box.copy(STAYS), kind.name
    assert Publisher(world.hub, world.voice, Worth(members=1, entries=1)).look() == [STAYS]
    third = Reader(world)
    third.rounds.run()
    assert third.box.copy(STAYS) == whole
    signed, packed = third.feeds.kept[f"/feeds/{STAYS}/manifest"], third.feeds.kept["snapshot"]
    fourth = Reader(world)
    manifests = words_of(signed, world, fourth.machine.node)
    for kind in manifests:
        fourth.feeds.wrong = {f"/feeds/{STAYS}/manifest": kind.raw}
        with pytest.raises(PeerFault):
            fourth.rounds.run()
        assert fourth.at() == start and not fourth.box.copy(STAYS), kind.name
    snapshots = [packed[:at] for at in range(1, len(packed), 41)]
    snapshots += [packed[:at] + bytes([packed[at] ^ 1]) + packed[at + 1 :] for at in range(0, len(packed), 41)]
    snapshots += [packed + b"\0", packed + packed, bytes(4), b"\xff" * 40, bytes(2 * 1024 * 1024)]
    for n, data in enumerate(snapshots):
        bootstrap.drop(fourth.store, STAYS)
        fourth.feeds.wrong = {"snapshot": data}
        with pytest.raises(PeerFault):
            fourth.rounds.run()
        assert not fourth.box.copy(STAYS), n
    report("box, snapshots and sets", len(sets) + len(manifests) + len(snapshots))
    fourth.feeds.wrong = {}
    fourth.rounds.run()
    assert fourth.box.copy(STAYS) == whole
