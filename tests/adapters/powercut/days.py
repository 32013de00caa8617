"""What is recorded: short days of a box and of a hub, each acknowledgement written down after it was given.

Run as a program under the recorder: `python days.py WHAT FOLDER SEED`, WHAT one of `DAYS`. A line of `FOLDER/told` is
an acknowledgement: incarnation, lane, seq and chain hash of a fact that somebody was told is kept.
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

from appliance.projections import folded_projectors
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SeededEntropy
from sync.adapters.sqlite_log import connection, hub_inbound, outbox, repair
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.digest import digest_some
from sync.adapters.sqlite_log.hub_feeds import Feeds
from sync.adapters.sqlite_log.hub_inbound import Arrival
from sync.adapters.sqlite_log.hub_store import HubStore, add_node
from sync.adapters.sqlite_log.node_store import NodeStore
from sync.domain.tracking import facts
from sync.kernel.chain import Chain
from sync.kernel.ids import FactId, StreamId
from sync.kernel.suite import suite1

KEY = bytes(range(32))
BOX, HUB = "courier-aaaaaaaa", "hub-aaaaaaaa"
CHECKPOINT_PAGES = 40
"""Far fewer than in service, so that a short day has checkpoints in it."""


def make_box(path: Path) -> ApplianceStore:
    return ApplianceStore(
        path, KEY, node=BOX, role="courier", clock=SystemClock(), entropy=SeededEntropy(os.urandom(8).hex()),
        projectors=folded_projectors(suite1),
    )  # fmt: skip


def open_box(folder: Path) -> ApplianceStore:
    store = repair.open_box(folder / "node.db", KEY, BOX, make_box, SystemClock().wall_ms(), hasher=suite1.hasher)
    repair.begin(store, "test")
    return store


def open_hub(folder: Path) -> HubStore:
    return HubStore(
        folder / "node.db", KEY, node=HUB, role="hub", clock=SystemClock(), entropy=SeededEntropy(os.urandom(8).hex())
    )


class Told:
    """The file of acknowledgements. One write a line, so the record shows when each was given."""

    def __init__(self, folder: Path) -> None:
        self._fd = os.open(folder / "told", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def say(self, store: NodeStore, fid: FactId) -> None:
        with store.read() as conn:
            h = conn.execute(
                "SELECT l.h FROM log l JOIN stream s ON s.id = l.stream WHERE s.node = ? AND s.incarnation = ? "
                "AND s.lane = ? AND l.seq = ?",
                fid,
            ).fetchone()[0]
        os.write(self._fd, f"{fid.incarnation} {fid.lane} {fid.seq} {h.hex()}\n".encode())


def scan(n: int) -> facts.NewFact:
    return facts.collected(
        f"{10_000_000 + n}-1", round_key=f"{BOX}.00000001", ward="W01", verdict="good", how="gun",
        read_no=f"{10_000_000 + n}", at_ms=1000 + n, list_as_of_ms=0,
    )  # fmt: skip


def box_day(folder: Path, rng: random.Random) -> None:
    """Scans, one or a few a commit; acknowledgements of the hub; a restart; checkpoints in between."""
    told = Told(folder)
    n = 0
    for _ in range(2):
        store = open_box(folder)
        for _ in range(9):
            with store.write(actor="u-luo", device="gun-1") as unit:
                fids = [unit.append(scan(n + k)) for k in range(rng.choice([1, 1, 1, 3]))]
            n += len(fids)
            for fid in fids:
                told.say(store, fid)
            if rng.random() < 0.3:
                sign(store)
        store.close()


def make_old_box(folder: Path, _: random.Random) -> None:
    """As a release left it whose files gave no room back. The day begins with writing it anew."""
    told = Told(folder)
    store = open_box(folder)
    for n in range(20):
        with store.write(actor="u-luo", device="gun-1") as unit:
            fid = unit.append(scan(1000 + n))
        told.say(store, fid)
    store.close()
    without_giving_back(folder / "node.db")


def old_box_day(folder: Path, _: random.Random) -> None:
    """The start that writes it anew, and a little work."""
    told = Told(folder)
    store = open_box(folder)
    for n in range(3):
        with store.write(actor="u-luo", device="gun-1") as unit:
            fid = unit.append(scan(n))
        told.say(store, fid)
    store.close()


def without_giving_back(path: Path) -> None:
    """Make the closed database at `path` one that cannot shrink."""
    conn = connection.connect(path, KEY, writes=True)
    conn.execute("PRAGMA auto_vacuum = NONE")
    conn.execute("VACUUM")
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert conn.execute("PRAGMA auto_vacuum").fetchone()[0] == 0
    conn.close()


def sign(store: ApplianceStore) -> None:
    marks = []
    for stream in outbox.own_streams(store):
        with store.read() as conn:
            h = conn.execute("SELECT h FROM log WHERE stream = ? AND seq = ?", (stream.stream, stream.last)).fetchone()[
                0
            ]
        marks.append(outbox.Mark(stream.incarnation, stream.lane, stream.last, h, 0, (), 0))
    outbox.apply_marks(store, marks, SystemClock().wall_ms(), b"receipt", welcome=False)


def make_hub(folder: Path, _: random.Random) -> None:
    """A hub is made by a person who waits for it; one that was cut in the making is made again."""
    hub = open_hub(folder)
    hub.start_incarnation("test")
    with hub.write() as unit:
        add_node(unit, node=BOX, role="courier", name=BOX, signing_public=bytes(32), sealing_public=bytes(32),
                 key_id=bytes(8), scopes=(), tls_serial=None, now_ms=0)  # fmt: skip
    hub.close()


def hub_day(folder: Path, rng: random.Random) -> None:
    """Batches of two boxes' facts into custody, each acknowledged after its commit, digested in between."""
    told = Told(folder)
    hub = open_hub(folder)
    hub.start_incarnation("test")
    feeds = Feeds(hub)
    source = make_box(folder.parent / f"source-{os.getpid()}.db")
    source.start_incarnation("test")
    n = 0
    sent: dict[int, int] = {}
    for _ in range(14):
        size = rng.choice([1, 3, 8])
        with source.write() as unit:
            for k in range(size):
                unit.append(scan(n + k))
        n += size
        for stream in outbox.own_streams(source):
            first = sent.get(stream.lane, 0) + 1
            cut = outbox.cut(source, stream, first, facts_max=500, bytes_max=60_000)
            if cut is None:
                continue
            hashes = Chain(suite1.hasher, *cut.stream).extend(
                first, cut.prev_hash, [suite1.hash(item) for item in cut.items]
            )
            place = StreamId(BOX, stream.incarnation, stream.lane)
            batch = Arrival(place, first, cut.prev_hash, cut.items, frozenset(), hashes, b"", b"")
            taken, _ = hub_inbound.accept(hub, batch)
            assert taken.verdict == "appended"
            sent[stream.lane] = first + len(cut.items) - 1
            told.say(hub, FactId(*place, sent[stream.lane]))
        if rng.random() < 0.3:
            digest_some(hub, feeds)
    hub.close()
    source.close()


DAYS = {"box": box_day, "make-old-box": make_old_box, "old-box": old_box_day, "make-hub": make_hub, "hub": hub_day}

if __name__ == "__main__":
    connection.WAL_PAGES = CHECKPOINT_PAGES
    DAYS[sys.argv[1]](Path(sys.argv[2]), random.Random(sys.argv[3]))
