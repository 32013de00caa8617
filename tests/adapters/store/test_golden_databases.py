"""Databases that released versions left, opened by today's code: brought up to date, whole, folded the same.

What wrote them: `tests/golden/databases/make.py`.
"""

import shutil
from pathlib import Path
from typing import Any

import pytest

from appliance.projections import folded_projectors
from hub.backup.tables import project_again
from hub.features.records.store import RecordsProjector
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SeededEntropy
from sync.adapters.sqlite_log import copies, digest, down, hub_inbound, hub_lineage, layout
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.connection import SqlcipherFile, connect, statements_of
from sync.adapters.sqlite_log.hub_feeds import Feeds
from sync.adapters.sqlite_log.hub_store import HubStore
from sync.adapters.sqlite_log.integrity import examine, refuse_damaged
from sync.adapters.sqlite_log.node_store import NodeStore
from sync.adapters.sqlite_log.repair import begin, open_box
from sync.catalog import ENTITY_TYPES
from sync.kernel.canonical import encode
from sync.kernel.outcome import Unavailable
from sync.kernel.suite import suite1
from tests.adapters.store.sites import HUB, Site, open_hub, scan

GOLDEN = Path(__file__).parents[2] / "golden" / "databases"
SCHEMAS = sorted(int(path.name.split("_")[1]) for path in GOLDEN.glob("schema_*"))
KEY = bytes(32)
BOXES = ("courier-aaaaaaaa", "records-aaaaaaaa")


def copy_of(schema: int, name: str, folder: Path) -> Path:
    return Path(shutil.copyfile(GOLDEN / f"schema_{schema}" / f"{name.split('-')[0]}.db", folder / f"{name}.db"))


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    conn = connect(path, KEY, writes=False)
    try:
        return [tuple(bytes(v) if isinstance(v, bytearray) else v for v in row) for row in conn.execute(sql)]
    finally:
        conn.close()


ENTITIES = "SELECT etype, key, rev, d, x, last_key, fold_version, state FROM entity ORDER BY etype, key"
LOG = "SELECT s.node, s.incarnation, s.lane, l.seq, l.h, l.status, l.fact FROM log l JOIN stream s ON s.id = l.stream "
LOG += "WHERE s.incarnation <> {} ORDER BY 1, 2, 3, 4"


def derived(store: NodeStore) -> dict[str, list[tuple[Any, ...]]]:
    tables = [table for projector in store.projectors for table in getattr(projector, "derived", ())]
    return {table: rows(store.path, f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables}


@pytest.mark.row("H35.21")
@pytest.mark.parametrize("name", BOXES)
@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_box_goes_on_with_what_an_earlier_release_left(schema: int, name: str, tmp_path: Path) -> None:
    path = copy_of(schema, name, tmp_path)
    entities, log = rows(path, ENTITIES), rows(path, LOG.format(0))
    assert len(log) > 3 and len(entities) > 10

    def make(where: Path) -> ApplianceStore:
        return ApplianceStore(
            where, KEY, node=name, role=name.split("-")[0], clock=SystemClock(), entropy=SeededEntropy(name),
            projectors=folded_projectors(suite1),
        )  # fmt: skip

    store = open_box(path, KEY, name, make, 0, hasher=suite1.hasher)
    begin(store, "test")
    assert rows(path, "PRAGMA user_version") == [(layout.LAYOUT,)]
    assert rows(path, ENTITIES) == entities
    assert rows(path, LOG.format(store.incarnation)) == log
    with store.read() as conn:
        for etype, key, *_, state in entities:
            shown = copies.refold(conn, etype, key)
            assert shown is not None and encode(ENTITY_TYPES[etype].dump(shown.state)) == state
    tables = derived(store)
    with store.write() as unit:
        project_again(store, unit)
    assert derived(store) == tables
    assert any(tables.values())
    scan(store, "00730004-1")
    store.close()
    assert examine(path, KEY, name, hasher=suite1.hasher) == (None, None)


def hub_on(path: Path, seed: int) -> HubStore:
    refuse_damaged(path, KEY)
    return HubStore(
        path, KEY, node=HUB, role="hub", clock=SystemClock(), entropy=SeededEntropy(seed),
        projectors=[RecordsProjector(KEY)],
    )  # fmt: skip


@pytest.mark.row("H35.21")
@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_hub_goes_on_with_what_an_earlier_release_left(schema: int, tmp_path: Path) -> None:
    path = copy_of(schema, HUB, tmp_path)
    entities, log = rows(path, ENTITIES), rows(path, LOG.format(0))
    hub = hub_on(path, 77)
    assert rows(path, ENTITIES) == entities
    assert hub_inbound.undigested(hub) > 0, "some facts were left to digest"
    hub.start_incarnation("test")
    feeds = Feeds(hub)
    while digest.digest_some(hub, feeds).behind:
        pass
    assert rows(path, LOG.format(hub.incarnation)) == log
    with hub.read() as conn:
        for etype, key, state in conn.execute("SELECT etype, key, state FROM entity").fetchall():
            assert encode(ENTITY_TYPES[etype].dump(digest.refold(conn, etype, key))) == bytes(state)
        starts = conn.execute("SELECT node, n FROM opening ORDER BY node, n").fetchall()
        counted = conn.execute("SELECT count(*), count(DISTINCT stream * 1000 + seq) FROM entity_fact").fetchone()
    assert [tuple(row) for row in starts] == [(BOXES[0], 1), (BOXES[1], 1)]
    assert counted[0] == counted[1] > 30
    hub.close()


def site_of(schema: int, folder: Path) -> Site:
    database = SqlcipherFile(copy_of(schema, HUB, folder), KEY)
    hub = open_hub(folder, database, 70)
    return Site(hub, Feeds(hub), folder, {}, database)


@pytest.mark.row("H35.21")
@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_site_of_an_earlier_release_comes_to_one_view(schema: int, tmp_path: Path) -> None:
    site = site_of(schema, tmp_path)
    for name in BOXES:
        copy_of(schema, name, tmp_path)
        site.box(name, 71)
    for _ in range(2):
        for box in site.boxes.values():
            site.up(box)
        site.digest()
        for box in site.boxes.values():
            site.round(box)
    for box in site.boxes.values():
        site.mirror_is_true(box)
        box.close()
    site.hub.close()


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_disk_put_back_from_an_earlier_release_is_found(schema: int, tmp_path: Path) -> None:
    site = site_of(schema, tmp_path)
    name = BOXES[0]
    for seed in (81, 82):
        copy_of(schema, name, tmp_path)
        for beside in tmp_path.glob(f"{name}.db-*"):
            beside.unlink()
        box = site.box(name, seed)
        scan(box, "00730004-1")
        site.up(box)
        site.digest()
        box.close()
    with site.hub.read() as conn:
        assert len(hub_lineage.forks(conn, name)) == 1
    site.hub.close()


def test_a_newer_layout_is_left_alone(tmp_path: Path) -> None:
    path = copy_of(1, HUB, tmp_path)
    conn = connect(path, KEY, writes=True)
    conn.execute(f"PRAGMA user_version = {layout.LAYOUT + 1}")
    conn.close()
    before = path.read_bytes()
    with pytest.raises(Unavailable) as told:
        hub_on(path, 1)
    assert told.value.code == "store.newer-schema"
    assert path.read_bytes() == before


def texts() -> list[str]:
    here = Path(layout.__file__).parent
    return [(here / name).read_text("utf-8") for name in HubStore.schemas]


def test_power_cut_at_any_statement_leaves_the_old_layout_or_the_new_one(tmp_path: Path) -> None:
    path = copy_of(1, HUB, tmp_path)
    entities = rows(path, ENTITIES)
    disks: list[Path] = []

    def photograph(_statement: str) -> None:
        into = tmp_path / f"cut{len(disks)}"
        into.mkdir()
        for each in (path, path.with_name(f"{path.name}-wal")):
            if each.exists():
                shutil.copyfile(each, into / each.name)
        disks.append(into / path.name)

    database = SqlcipherFile(path, KEY)
    conn = database.writer()
    conn.set_trace_callback(photograph)
    database.prepare(conn, texts())
    conn.set_trace_callback(None)
    photograph("")
    conn.close()
    assert len(disks) > sum(len(list(statements_of(text))) for text in texts())
    layouts = []
    for disk in [*disks[:-4:9], *disks[-4:]]:
        layouts.append(rows(disk, "PRAGMA user_version")[0][0])
        hub = hub_on(disk, 5)
        assert rows(disk, ENTITIES) == entities
        assert rows(disk, "PRAGMA user_version") == [(layout.LAYOUT,)]
        hub.close()
    assert set(layouts) == {1, layout.LAYOUT} and layouts == sorted(layouts)


def test_a_full_disk_leaves_the_old_layout(tmp_path: Path) -> None:
    path = copy_of(1, HUB, tmp_path)
    entities = rows(path, ENTITIES)
    database = SqlcipherFile(path, KEY)
    conn = database.writer()
    pages = conn.execute("PRAGMA page_count").fetchone()[0]
    conn.execute(f"PRAGMA max_page_count = {pages + 3}")
    with pytest.raises(Unavailable) as told:
        database.prepare(conn, texts())
    assert told.value.code == "store.full"
    conn.close()
    assert rows(path, "PRAGMA user_version") == [(1,)]
    assert rows(path, ENTITIES) == entities
    hub_on(path, 6).close()
    assert rows(path, "PRAGMA user_version") == [(layout.LAYOUT,)]


def test_a_scope_that_an_earlier_release_held_is_held(tmp_path: Path) -> None:
    site = site_of(1, tmp_path)
    copy_of(1, BOXES[1], tmp_path)
    box = site.box(BOXES[1], 91)
    assert [cursor.label for cursor in down.cursors(box)] == [
        "room:records", "site", "site:people", "site:stays", "ward:W01",
    ]  # fmt: skip
    box.close()
    site.hub.close()
