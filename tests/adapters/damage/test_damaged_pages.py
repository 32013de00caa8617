"""Random damage to a box's live files: the box starts, says what it mended, and every fact that verifies goes on."""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.boot import Box
from appliance.pages import make_pages
from provisioning.bench import box as made
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SeededEntropy
from sync.adapters.sqlite_log import digest, hub_inbound, outbox, repair
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.hub_feeds import Feeds
from sync.adapters.sqlite_log.hub_inbound import Arrival
from sync.adapters.sqlite_log.hub_store import HubStore, add_node
from sync.adapters.sqlite_log.integrity import wal_of
from sync.adapters.sqlite_log.node_store import load_state
from sync.adapters.sqlite_log.pages import PAGE_BYTES
from sync.domain.fleet import facts as fleet
from sync.domain.tracking import facts
from sync.kernel.chain import Chain
from sync.kernel.codec import decode_fact
from sync.kernel.ids import FactId
from sync.kernel.suite import suite1
from tests.soak import many

DAMAGES = many(300, 20_000)
SEED = int(os.environ.get("WAYSTATION_SEED", "20261121"))
NODE = "courier-aaaaaaaa"
HOW = ("flip", "zero", "garbage", "another")
HUB_KEY = bytes(32)


@dataclass
class Town:
    """A box in mid-round and the hub that has signed for the first part of it, as files that are copied for each run.

    `told`: every fact that was committed, by id.
    """

    folder: Path
    told: dict[FactId, bytes]
    signed: frozenset[FactId]


def open_hub(path: Path) -> HubStore:
    hub = HubStore(
        path, HUB_KEY, node="hub-aaaaaaaa", role="hub", clock=SystemClock(), entropy=SeededEntropy(os.urandom(8).hex())
    )
    hub.start_incarnation("test")
    return hub


def known_hub(path: Path) -> HubStore:
    """A hub that knows the box."""
    hub = open_hub(path)
    with hub.write() as unit:
        add_node(unit, node=NODE, role="courier", name=NODE, signing_public=bytes(32), sealing_public=bytes(32),
                 key_id=bytes(8), scopes=(), tls_serial=None, now_ms=0)  # fmt: skip
    return hub


def make_store(folder: Path) -> ApplianceStore:
    """The store of a box that is not running, as its next start would open it."""
    box = Box(folder, {})
    return box.store


def own_facts(store: ApplianceStore) -> dict[FactId, bytes]:
    with store.read() as conn:
        rows = conn.execute(
            "SELECT s.incarnation, s.lane, l.seq, l.fact FROM log l JOIN stream s ON s.id = l.stream WHERE s.own = 1"
        ).fetchall()
    return {FactId(store.node, r[0], r[1], r[2]): r[3] for r in rows}


def drain(store: ApplianceStore, hub: HubStore, *, sign: bool) -> None:
    """All that waits goes to the hub's custody in batches of 50; `sign`: and is acknowledged."""
    for stream in outbox.own_streams(store):
        first = stream.acked + 1
        while (cut := outbox.cut(store, stream, first, facts_max=50, bytes_max=60_000)) is not None:
            digests = [suite1.hash(item) for item in cut.items]
            hashes = Chain(suite1.hasher, *cut.stream).extend(cut.first, cut.prev_hash, digests)
            batch = Arrival(cut.stream, cut.first, cut.prev_hash, cut.items, frozenset(), hashes, b"", b"")
            taken, _ = hub_inbound.accept(hub, batch)
            assert taken.verdict in ("appended", "duplicate"), taken
            first += len(cut.items)
        if sign:
            with hub.read() as conn:
                (mark,) = hub_inbound.marks(conn, store.node, [(stream.incarnation, stream.lane)])
            told = outbox.Mark(stream.incarnation, stream.lane, mark.upto, mark.h, 0, (), 0)
            outbox.apply_marks(store, [told], SystemClock().wall_ms(), b"receipt", welcome=False)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    folder = tmp_path_factory.mktemp("town")
    made.make_box(folder / "box", records=80)
    hub = known_hub(folder / "hub.db")
    first = Box(folder / "box", {})
    assert isinstance(first.collecting.open_round(made.WARD, made.COURIER), str)
    for n in range(30):
        first.collecting.scanner.scan(made.record_no(n), "gun-1")
    drain(first.store, hub, sign=True)
    signed = frozenset(own_facts(first.store))
    for n in range(30, 40):
        first.collecting.scanner.scan(made.record_no(n), "gun-1")
    first.store.close()
    second = Box(folder / "box", {})
    for n in range(40, 75):
        second.collecting.scanner.scan(made.record_no(n), "gun-1")
    told = own_facts(second.store)
    hub.close()
    data = folder / "box" / "data"
    shutil.copytree(data, folder / "live", ignore=shutil.ignore_patterns("*-shm"))
    second.store.close()
    return Town(folder, told, signed)


def damage(data: bytearray, rng: random.Random) -> tuple[int, str]:
    """Spoil one page-sized place of a file. Returns its number from 0 and how."""
    at, how = rng.randrange(len(data) // PAGE_BYTES), rng.choice(HOW)
    place = slice(at * PAGE_BYTES, (at + 1) * PAGE_BYTES)
    match how:
        case "flip":
            data[at * PAGE_BYTES + rng.randrange(PAGE_BYTES)] ^= 1 << rng.randrange(8)
        case "zero":
            data[place] = bytes(PAGE_BYTES)
        case "garbage":
            data[place] = rng.randbytes(PAGE_BYTES)
        case _:
            other = rng.randrange(len(data) // PAGE_BYTES)
            data[place] = data[other * PAGE_BYTES : (other + 1) * PAGE_BYTES]
    return at, how


@pytest.mark.row("H35.11")
def test_a_box_with_a_damaged_page_starts_and_loses_nothing_that_verifies(town: Town, tmp_path: Path) -> None:
    rng = random.Random(SEED)
    seen: Counter[str] = Counter()
    for n in range(DAMAGES):
        folder = tmp_path / "now"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        shutil.copytree(town.folder / "live", folder / "data")
        shutil.copytree(town.folder / "box" / "keys", folder / "keys")
        for name in ("box/settings.toml", "hub.db"):
            shutil.copy(town.folder / name, folder)
        main = folder / "data" / "node.db"
        path = rng.choice([main, wal_of(main)])
        data = bytearray(path.read_bytes())
        at, how = damage(data, rng)
        path.write_bytes(data)
        what = f"seed {SEED}, damage {n}: {how} page {at} of {path.name}"
        box = Box(folder, {})
        try:
            seen[judge(town, box, folder / "hub.db", what)] += 1
        finally:
            box.store.close()
    assert min(seen["page"], seen["journal"]) > DAMAGES // 4, dict(seen)


def judge(town: Town, box: Box, hub_path: Path, what: str) -> str:
    mended = repair.last_repair(box.store)
    held = own_facts(box.store)
    assert {fid: held[fid] for fid in town.told if fid in held}.items() <= town.told.items(), f"{what}: another content"
    again = {decode_fact(raw).first_id(fid) for fid, raw in held.items()}
    missing = set(town.told) - again - town.signed
    assert len(missing) == (0 if mended is None else mended.lost), f"{what}: {mended}"
    hub = open_hub(hub_path)
    try:
        drain(box.store, hub, sign=True)
        while digest.digest_some(hub, Feeds(hub)).behind:
            pass
        with hub.read() as conn:
            told = [r[0] for r in conn.execute(
                "SELECT l.fact FROM log l JOIN stream s ON s.id = l.stream WHERE s.node = ?", (NODE,)
            )]  # fmt: skip
            stays = [load_state(conn, facts.STAY, key) for key in
                     [r[0] for r in conn.execute("SELECT key FROM entity WHERE etype = ?", (facts.STAY,))]]  # fmt: skip
    finally:
        hub.close()
    collected = Counter(each.fact for stay in stays if stay is not None for each in stay.collections)
    expected = {fid for fid, raw in town.told.items() if decode_fact(raw).kind == facts.COLLECTED} - missing
    assert collected == Counter(expected), f"{what}: {mended}"
    audit = [decode_fact(raw).body for raw in told if decode_fact(raw).kind == fleet.NOTED]
    if mended is None:
        return "harmless"
    assert [body[1] for body in audit] == ["store.repaired"], what
    return mended.reason


@pytest.mark.row("H35.11")
@pytest.mark.parametrize(("lang", "said"), [("zh", "已经换成新的"), ("en", "has been replaced")])
def test_whoever_comes_to_the_box_reads_what_happened(town: Town, tmp_path: Path, lang: str, said: str) -> None:
    shutil.copytree(town.folder / "live", tmp_path / "data")
    shutil.copytree(town.folder / "box" / "keys", tmp_path / "keys")
    shutil.copy(town.folder / "box/settings.toml", tmp_path)
    (tmp_path / "data" / "node.db").write_bytes(b"")
    box = Box(tmp_path, {})
    try:
        page = make_pages(box).test_client().get(f"/sign-in?lang={lang}", base_url="http://127.0.0.1").get_data(True)
        mended = repair.last_repair(box.store)
    finally:
        box.store.close()
    assert mended is not None and said in page and f"quarantine/{mended.folder}" in page
