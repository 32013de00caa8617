"""The one-file verifier against databases of the product: true ones hold, and each kind of damage is named."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from provisioning.verifier import waystation_verify
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SeededEntropy
from sync.adapters.sqlite_log import hub_inbound, hub_keys, outbox
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.connection import connect
from sync.adapters.sqlite_log.hub_inbound import Arrival
from sync.adapters.sqlite_log.hub_store import HubStore, add_node
from sync.domain.fleet import facts as fleet
from sync.domain.tracking import facts
from sync.kernel.ids import StreamId
from sync.kernel.suite import suite1
from sync.protocol.batch import make_batch, open_batch, parse_header
from sync.protocol.key_change import make_change

ROOT = Path(__file__).parents[3]
VERIFIER = ROOT / "provisioning" / "verifier" / "waystation_verify.py"
KEY, SIGNING, SEALING = bytes(range(32)), bytes(range(1, 33)), bytes(range(2, 34))
NODE, HUB = "courier-aaaaaaaa", "hub-aaaaaaaa"


@dataclass
class Pair:
    hub: Path
    box: Path
    key: Path

    def verify(self) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-I", str(VERIFIER), "--json", "--node", f"{self.hub}:{self.key}", "--node",
             f"{self.box}:{self.key}"], capture_output=True, check=False)  # fmt: skip
        document: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == (0 if document["ok"] else 1)
        return document

    def edit(self, path: Path, sql: str) -> None:
        conn = connect(path, KEY, writes=True)
        assert conn.execute(sql).rowcount == 1
        conn.close()


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    """A box with 40 scans, all of them at the hub in signed batches of seven."""
    made = Pair(tmp_path / "hub.db", tmp_path / "box.db", tmp_path / "key")
    made.key.write_bytes(KEY)
    box = ApplianceStore(made.box, KEY, node=NODE, role="courier", clock=SystemClock(), entropy=SeededEntropy(1))
    hub = HubStore(made.hub, KEY, node=HUB, role="hub", clock=SystemClock(), entropy=SeededEntropy(2))
    for store in (box, hub):
        store.start_incarnation("test")
    public = suite1.signing_public(SIGNING)
    with hub.write() as unit:
        add_node(
            unit,
            node=NODE,
            role="courier",
            name="x",
            signing_public=public,
            sealing_public=bytes(32),
            key_id=suite1.key_id(public),
            scopes=[],
            tls_serial=None,
            now_ms=0,
        )
    for n in range(40):
        with box.write(actor="u-luo") as unit:
            unit.append(
                facts.collected(
                    f"0073{n:04d}-1",
                    round_key=f"{NODE}.00000001",
                    ward="W01",
                    verdict="good",
                    how="gun",
                    read_no=f"0073{n:04d}",
                    at_ms=n,
                    list_as_of_ms=0,
                )
            )
    for stream in outbox.own_streams(box):
        first = 1
        while (cut := outbox.cut(box, stream, first, facts_max=7, bytes_max=60_000)) is not None:
            raw = make_batch(
                node=NODE,
                incarnation=stream.incarnation,
                lane=stream.lane,
                first=first,
                prev_hash=cut.prev_hash,
                items=cut.items,
                signing_key=SIGNING,
                key_id=suite1.key_id(public),
                hub_seal_key=suite1.sealing_public(SEALING),
                suite=suite1,
            )
            opened = open_batch(raw, parse_header(raw), public_key=public, open_key=SEALING, suite=suite1)
            arrival = Arrival(
                StreamId(NODE, stream.incarnation, stream.lane),
                first,
                cut.prev_hash,
                cut.items,
                frozenset(),
                opened.hashes,
                raw[:224],
                raw,
            )
            assert hub_inbound.accept(hub, arrival)[0].verdict == "appended"
            first += len(cut.items)
        with hub.read() as conn:
            marks = hub_inbound.marks(conn, NODE, [(stream.incarnation, stream.lane)])
        outbox.apply_marks(
            box, [outbox.Mark(m.incarnation, m.lane, m.upto, m.h, 0, (), 0) for m in marks], 1, b"a", welcome=False
        )
    box.close()
    hub.close()
    return made


def test_true_databases_hold(pair: Pair) -> None:
    found = pair.verify()
    assert found["ok"] and not found["across"]
    hub, box = found["nodes"]
    assert hub["collections"] == 40 and hub["signatures"] == 7
    assert box["produced"] == box["acknowledged"] == 42


LIVE = "(SELECT id FROM stream WHERE lane = 1)"


@pytest.mark.parametrize(
    ("where", "sql", "says"),
    [
        (
            "hub",
            f"UPDATE log SET fact = CAST(fact || x'00' AS BLOB) WHERE stream = {LIVE} AND seq = 20",
            "/1/20: the chain",
        ),
        ("box", f"UPDATE log SET fact = x'a0' WHERE stream = {LIVE} AND seq = 3", "/1/3: the chain"),
        ("box", f"UPDATE log SET fact = fact || x'ff' WHERE stream = {LIVE} AND seq = 9", "/1/9: the chain"),
        ("hub", f"UPDATE log SET h = 'abc' WHERE stream = {LIVE} AND seq = 9", "/1/9: the chain"),
        ("box", f"UPDATE stream SET last = 'x' WHERE id = {LIVE}", "stream row"),
        ("hub", f"DELETE FROM log WHERE stream = {LIVE} AND seq = 5", "/1/5: missing"),
        ("hub", f"DELETE FROM log WHERE stream = {LIVE} AND seq = 41", "the log ends at 40"),
        (
            "hub",
            "UPDATE arrival SET header = CAST(substr(header, 1, 200) || zeroblob(24) AS BLOB) WHERE pos = 2",
            "signature",
        ),
        ("hub", "UPDATE node SET signing_public = zeroblob(32)", "key id"),
    ],
)
def test_each_damage_is_named(pair: Pair, where: str, sql: str, says: str) -> None:
    pair.edit(getattr(pair, where), sql)
    found = pair.verify()
    assert not found["ok"]
    assert any(says in fault for node in found["nodes"] for fault in node["faults"]), found


def test_two_rows_in_each_others_places_are_named(pair: Pair) -> None:
    for old, new in ((-1, 8), (8, 9), (9, -1)):
        pair.edit(pair.box, f"UPDATE log SET seq = {old} WHERE stream = {LIVE} AND seq = {new}")
    [fault] = pair.verify()["nodes"][1]["faults"]
    assert "/1/8: the chain" in fault


def spoil_page(path: Path, number: int) -> None:
    data = bytearray(path.read_bytes())
    data[4096 * (number - 1) + 100] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda pair: spoil_page(pair.box, 1), "box.db: file is not a database"),
        (lambda pair: pair.box.unlink(), "box.db: unable to open"),
        (lambda pair: pair.box.write_bytes(b""), "box.db: no such table"),
        (lambda pair: pair.box.write_bytes(bytes(9000)), "box.db: file is not a database"),
    ],
    ids=["first page", "no file", "empty", "zeros"],
)
def test_a_file_that_does_not_open_is_named_and_the_other_is_looked_at(
    pair: Pair, spoil: Callable[[Pair], object], says: str
) -> None:
    spoil(pair)
    hub, box = pair.verify()["nodes"]
    assert hub["facts"] > 40 and not hub["faults"]
    assert says in box["faults"][0]


def test_of_a_page_that_cannot_be_read_the_first_row_on_it_is_named(pair: Pair) -> None:
    conn = connect(pair.box, KEY, writes=True)
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    pages = conn.execute("PRAGMA page_count").fetchone()[0]
    conn.close()
    whole, named = pair.box.read_bytes(), set()
    for page in range(2, pages + 1):
        pair.box.write_bytes(whole)
        spoil_page(pair.box, page)
        faults = waystation_verify.check(f"{pair.box}:{pair.key}").faults
        assert faults, f"page {page} of {pages}"
        named |= {fault.split(": ")[0] for fault in faults}
    assert any(re.fullmatch(rf"{NODE}/[0-9a-f]{{16}}/1/\d+", each) for each in named), named


SECOND, THIRD = bytes(range(3, 35)), bytes(range(4, 36))


def go_over(pair: Pair, *keys: bytes, spoilt: bool = False) -> None:
    """The box says that it goes over to each of these keys in turn, and signs all of it with the last one."""
    box = ApplianceStore(pair.box, KEY, node=NODE, role="courier", clock=SystemClock(), entropy=SeededEntropy(7))
    hub = HubStore(pair.hub, KEY, node=HUB, role="hub", clock=SystemClock(), entropy=SeededEntropy(8))
    for store in (box, hub):
        store.start_incarnation("test")
    with box.write() as unit:
        for old, new in zip((SIGNING, *keys), keys, strict=False):
            said = dict(make_change(suite1, NODE, old, new, bytes(32)).body())
            unit.append(fleet.key_changed(NODE, said | {4: bytes(64)} if spoilt else said))
    public = suite1.signing_public(keys[-1])
    for stream in outbox.own_streams(box):
        cut = outbox.cut(box, stream, stream.acked + 1, facts_max=500, bytes_max=60_000)
        assert cut is not None
        raw = make_batch(
            node=NODE, incarnation=stream.incarnation, lane=stream.lane, first=stream.acked + 1,
            prev_hash=cut.prev_hash, items=cut.items, signing_key=keys[-1], hub_seal_key=None, suite=suite1,
        )  # fmt: skip
        opened = open_batch(raw, parse_header(raw), public_key=public, open_key=SEALING, suite=suite1)
        place = StreamId(NODE, stream.incarnation, stream.lane)
        arrival = Arrival(place, stream.acked + 1, cut.prev_hash, cut.items, frozenset(), opened.hashes, raw[:224], raw)
        assert hub_inbound.accept(hub, arrival)[0].verdict == "appended"
        mark = outbox.Mark(stream.incarnation, stream.lane, stream.last, opened.hashes[-1], 0, (), 0)
        outbox.apply_marks(box, [mark], 1, b"a", welcome=False)
    box.close()
    hub.close()


@pytest.mark.parametrize("keys", [(SECOND,), (SECOND, THIRD)])
def test_a_chain_of_keys_is_followed_from_the_first(pair: Pair, keys: tuple[bytes, ...]) -> None:
    go_over(pair, *keys)
    found = pair.verify()
    assert found["ok"] and found["nodes"][0]["signatures"] == 8, found


def test_a_key_that_the_new_one_did_not_sign_for_is_named(pair: Pair) -> None:
    go_over(pair, SECOND, spoilt=True)
    faults = pair.verify()["nodes"][0]["faults"]
    assert "not signed by both keys" in faults[0] and "/0/2" in faults[0] and "key id" in faults[1]


def test_a_key_that_the_hub_learnt_from_its_own_record_counts(pair: Pair) -> None:
    """The change was in what the hub lost: it keeps the key as one that it signed for."""
    go_over(pair, SECOND, spoilt=True)
    store = HubStore(pair.hub, KEY, node=HUB, role="hub", clock=SystemClock(), entropy=SeededEntropy(9))
    with store.write() as unit:
        public = suite1.signing_public(SECOND)
        assert hub_keys.take(unit.conn, NODE, hub_keys.NodeKey(suite1.key_id(public), public, 1, None))
    store.close()
    [fault] = pair.verify()["nodes"][0]["faults"]
    assert "not signed by both keys" in fault


def test_what_never_arrived_is_named(pair: Pair) -> None:
    store = ApplianceStore(pair.box, KEY, node=NODE, role="courier", clock=SystemClock(), entropy=SeededEntropy(5))
    store.start_incarnation("test")
    store.close()
    found = pair.verify()
    assert [fault.split(": ")[1] for fault in found["across"]] == ["produced, not received"]


def test_it_imports_nothing_of_the_product() -> None:
    tree = ast.parse(VERIFIER.read_text("utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    ours = {"sync", "appliance", "hub", "hardware", "images", "kiosk_ui", "pad_viewer", "provisioning"}
    assert not {name for name in names if name.split(".")[0] in ours}
