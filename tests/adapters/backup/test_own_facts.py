"""The hub's own facts exist nowhere else: they reach the backup place as they are cut, and come back from there."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hub.backup import own
from hub.boot import Hub
from sync.adapters.sqlite_log.connection import Connection
from tests.adapters.backup.conftest import hire, running, waystation
from tests.waiting import until

Site = Callable[[], Path]
Facts = dict[tuple[int, int, int], bytes]


def own_facts(hub: Hub) -> Facts:
    def rows(conn: Connection) -> Facts:
        found = conn.execute(
            "SELECT s.incarnation, s.lane, l.seq, l.fact FROM log l JOIN stream s ON s.id = l.stream WHERE s.own = 1"
        )
        return {(r[0], r[1], r[2]): r[3] for r in found}

    with hub.store.read() as conn:
        return rows(conn)


def copied(hub: Hub) -> bool:
    return hub.backups.lag() == 0


def test_what_the_hub_wrote_after_its_last_backup_comes_back_once(site: Site) -> None:
    folder = site()
    with running(folder) as hub:
        hire(hub, "u-one")
        assert waystation("backup", "create", "--dir", str(folder))[0] == 0
        hire(hub, "u-two")
    with running(folder) as hub:
        hire(hub, "u-three")
        hub.desk.settle()
        until(lambda: copied(hub))
        written = own_facts(hub)
        high = hub.store.high
    code, back = waystation("backup", "restore", "--dir", str(folder))
    assert code == 0 and back["own_facts"] > 0, back
    with running(folder) as hub:
        hub.desk.settle()
        after = own_facts(hub)
        assert all(after[place] == fact for place, fact in written.items())
        assert {place[0] for place in after} - {place[0] for place in written} == {hub.store.incarnation}
        assert {p.user_id for p in map(hub.people.one, ("u-one", "u-two", "u-three")) if p is not None} == {
            "u-one", "u-two", "u-three"
        }  # fmt: skip
        assert hub.store.high > high, "what is written from now on sorts after"


@pytest.mark.parametrize("cut", [1, 3, 60, 300])
def test_a_file_cut_anywhere_is_good_up_to_its_last_whole_batch(site: Site, tmp_path: Path, cut: int) -> None:
    folder = site()
    with running(folder) as hub:
        hire(hub, "u-one")
        until(lambda: copied(hub))
        waystation("backup", "create", "--dir", str(folder))
        hire(hub, "u-two")
        until(lambda: copied(hub))
        stream = own_file(tmp_path, hub)
        whole = list(own.batches_of(stream))
        with stream.open("r+b") as file:
            file.truncate(stream.stat().st_size - cut)
        assert list(own.batches_of(stream)) == whole[:-1]
        hub.backups.copier._upto = None  # as after a start
        hire(hub, "u-three")
        until(lambda: copied(hub))
        written = own_facts(hub)
    assert waystation("backup", "restore", "--dir", str(folder))[0] == 0
    with running(folder) as hub:
        assert all(own_facts(hub)[place] == fact for place, fact in written.items())


def test_a_place_that_is_away_shows_as_lag_and_is_caught_up(site: Site, tmp_path: Path) -> None:
    folder = site()
    with running(folder) as hub:
        until(lambda: copied(hub))
        shutil.move(tmp_path / "place", tmp_path / "away")
        hire(hub, "u-one")
        assert hub.backups.lag() > 0
        shutil.move(tmp_path / "away", tmp_path / "place")
        hub.backups.copier.copy()
        assert copied(hub)


def own_file(tmp_path: Path, hub: Hub) -> Path:
    """The file of the running start's lane with people in it."""
    files = sorted((tmp_path / "place" / "own").glob(f"{hub.store.incarnation:016x}-*.way"))
    return max(files, key=lambda path: path.stat().st_size)
