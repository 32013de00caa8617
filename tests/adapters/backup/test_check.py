"""What a backup is held against: every link of every stream, and the gaps that an operator signed."""

from __future__ import annotations

from pathlib import Path

from hub.backup.check import check
from hub.backup.make import make_backup
from hub.backup.place import Place
from sync.adapters.sqlite_log import hub_holes
from sync.adapters.sqlite_log.connection import SqlcipherFile
from sync.adapters.sqlite_log.hub_feeds import Feeds
from tests.adapters.store.sites import Site, open_hub, scan

KEY = bytes(32)


def with_a_gap(folder: Path) -> tuple[Site, int]:
    """A hub put back to before facts that a box has dropped; the stream stands at 3 and goes on at 6."""
    database = SqlcipherFile(folder / "hub.db", KEY)
    hub = open_hub(folder, database, 9)
    site = Site(hub, Feeds(hub), folder, {}, database)
    box = site.box("courier-aaaaaaaa", 1)
    for n in range(8):
        scan(box, f"0073000{n}-1")
    site.up(box)
    site.digest()
    with hub.write() as unit:
        stream = unit.conn.execute(
            "SELECT id FROM stream WHERE incarnation = ? AND lane = 1", (box.incarnation,)
        ).fetchone()[0]
        h = unit.conn.execute("SELECT h FROM log WHERE stream = ? AND seq = 5", (stream,)).fetchone()[0]
        unit.conn.execute("DELETE FROM log WHERE stream = ? AND seq IN (4, 5)", (stream,))
        hub_holes.step_over(unit.conn, stream, 5, bytes(h))
    return site, box.incarnation


def sign(site: Site, incarnation: int) -> None:
    with site.hub.write() as unit:
        unit.conn.execute(
            "INSERT INTO loss (node, incarnation, lane, first, last, why, reason, signed_at, signed_by) "
            "VALUES ('courier-aaaaaaaa', ?, 1, 4, 5, 'hole', 'old backup', 1, 'u-admin')",
            (incarnation,),
        )


def test_a_backup_of_a_hub_with_a_signed_loss_counts(tmp_path: Path) -> None:
    """Without it such a hub never had a backup again."""
    site, incarnation = with_a_gap(tmp_path)
    with site.hub.read() as conn:
        fault = check(conn).fault
    assert fault is not None and "chain" in fault, "a gap that nobody signed is a fault"
    sign(site, incarnation)
    with site.hub.read() as conn:
        checked = check(conn)
        assert checked.fault is None
        assert {each.upto for each in checked.streams if each.incarnation == incarnation and each.lane == 1} == {9}
        assert checked.facts == conn.execute("SELECT count(*) FROM log").fetchone()[0]
    place = Place(tmp_path / "place", KEY)
    place.folder.mkdir()
    with site.hub.read() as conn:
        assert make_backup(conn, KEY, place, tmp_path / "work", 1_795_147_200_000).counts
    for store in (site.hub, *site.boxes.values()):
        store.close()


def test_no_backup_begins_before_an_older_one(tmp_path: Path) -> None:
    """The hub's clock was set back: the tool knows what is relied on by these times."""
    site, incarnation = with_a_gap(tmp_path)
    sign(site, incarnation)
    place = Place(tmp_path / "place", KEY)
    place.folder.mkdir()
    made = []
    for wall_ms in (4_000_000_000_000, 1_795_147_200_000):
        with site.hub.read() as conn:
            made.append(make_backup(conn, KEY, place, tmp_path / "work", wall_ms).began_ms)
    assert made[0] <= made[1]
    for store in (site.hub, *site.boxes.values()):
        store.close()
