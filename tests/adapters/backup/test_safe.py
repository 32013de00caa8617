"""What boxes may drop hangs on the two newest backups that count, and on nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hub.backup.place import Place
from hub.backup.watch import BackupWatch, relies_on_noted
from hub.link.monotone import read_monotone
from sync.adapters.keys import load_key
from sync.kernel.ids import StreamId
from tests.adapters.backup.conftest import hire, running, waystation

Site = Callable[[], Path]


def test_safe_is_how_far_a_stream_goes_in_the_second_newest_backup(site: Site, tmp_path: Path) -> None:
    folder = site()
    with running(folder) as hub:
        stream = StreamId(hub.store.node, hub.store.incarnation, 0)
        ends: list[int] = []
        for user in ("u-one", "u-two", "u-three"):
            hire(hub, user)
            with hub.store.read() as conn:
                ends.append(
                    conn.execute(
                        "SELECT last FROM stream WHERE incarnation = ? AND lane = 0", (hub.store.incarnation,)
                    ).fetchone()[0]
                )
            assert waystation("backup", "create", "--dir", str(folder))[0] == 0
            hub.backups.look()
            assert hub.backups.safe(stream) == (ends[-2] if len(ends) > 1 else 0)
        assert ends[0] < ends[1] < ends[2]
        place = Place(tmp_path / "place", load_key(folder / "keys" / "store.key"))
        held = read_monotone(folder / "monotone.json")
        assert held is not None and held.relied_ms == place.backups()[1].began_ms, "said before it was promised"
        assert hub.backups.safe(StreamId("courier-aaaaaaaa", 1, 1)) == 0
        seen = hub.backups.seen
        assert (seen.counting, seen.newest_ms, seen.fault) == (3, place.backups()[2].began_ms, None)
        assert seen.same_disk, "a place on the hub's own disk is said to be one"


def test_another_worker_promises_what_the_first_has_written_down(site: Site, tmp_path: Path) -> None:
    folder = site()
    with running(folder) as hub:
        stream = StreamId(hub.store.node, hub.store.incarnation, 0)
        for user in ("u-one", "u-two"):
            hire(hub, user)
            assert waystation("backup", "create", "--dir", str(folder))[0] == 0
        place = Place(tmp_path / "place", load_key(folder / "keys" / "store.key"))
        watch = BackupWatch(place, relies_on_noted(folder / "monotone.json"), folder.stat().st_dev)
        watch.look()
        assert (watch.safe(stream), watch.seen.fault) == (0, "backup.not-noted")
        hub.backups.look()
        watch.look()
        assert watch.seen.fault is None
        assert watch.safe(stream) == hub.backups.safe(stream) > 0


def test_a_backup_that_vanished_or_was_given_up_is_not_relied_on(site: Site, tmp_path: Path) -> None:
    folder = site()
    with running(folder):
        names = [waystation("backup", "create", "--dir", str(folder))[1]["name"] for _ in range(3)]
    place = Place(tmp_path / "place", load_key(folder / "keys" / "store.key"))
    place.database(place.backups()[2]).unlink()
    relied = place.relied_on()
    assert relied is not None and relied.name == names[0], "two that are there: the older of them"
    place.database(place.backups()[0]).unlink()
    assert place.relied_on() is None


def test_a_place_that_is_away_takes_no_promise_back_and_adds_none(site: Site, tmp_path: Path) -> None:
    folder = site()
    with running(folder) as hub:
        for _ in range(2):
            waystation("backup", "create", "--dir", str(folder))
        hub.backups.look()
        with hub.store.read() as conn:
            row = conn.execute("SELECT incarnation, lane FROM stream WHERE own = 1 ORDER BY id").fetchone()
        stream = StreamId(hub.store.node, row[0], row[1])
        promised = hub.backups.safe(stream)
        assert promised > 0
        (tmp_path / "place").rename(tmp_path / "away")
        hub.backups.look()
        assert (hub.backups.safe(stream), hub.backups.seen.fault) == (promised, "backup.place")
    fresh = BackupWatch(None, lambda _ms: None, 0)
    fresh.look()
    assert fresh.safe(stream) == 0 and not fresh.seen.place


def test_numbers_given_away_and_a_raised_epoch_reach_the_place_at_once(site: Site, tmp_path: Path) -> None:
    folder = site()
    with running(folder) as hub:
        hub.epochs.reserve("ticket:W01", 40)
        told = read_monotone(tmp_path / "place" / "monotone.json")
        assert told is not None and told.marks == {"ticket:W01": 40}
        hub.epochs.above(4)
        told = read_monotone(tmp_path / "place" / "monotone.json")
        assert told is not None and (told.epoch, told.marks["ticket:W01"]) == (5, 40)
        (tmp_path / "place").rename(tmp_path / "away")
        hub.epochs.reserve("ticket:W01", 60)
        assert hub.epochs.mark("ticket:W01") == 60, "a place that is away holds nothing up"
