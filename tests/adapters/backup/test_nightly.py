"""The hub makes its own backup when one is due, keeps as many as it is told, and says when it could not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hub.backup.place import Place
from sync.adapters.keys import load_key
from tests.adapters.backup.conftest import hire, running, waystation
from tests.waiting import until

Site = Callable[[], Path]


@pytest.mark.row("H35.15")
def test_a_backup_that_is_due_is_made_and_read_back(site: Site) -> None:
    folder = site()
    with running(folder) as hub:
        hire(hub, "u-one")

        def made() -> bool:
            hub.backups.look()
            return hub.backups.seen.counting == 1

        until(made)
        for _ in range(3):
            hub.backups.look()
        assert hub.backups.nightly_fault is None
        assert hub.backups.seen.counting == 1, "one a night"
    assert waystation("backup", "drill", "--dir", str(folder))[1]["restorable"]


def test_one_that_cannot_be_made_is_said_and_harms_nothing(site: Site, tmp_path: Path) -> None:
    folder = site()
    with running(folder) as hub:
        (tmp_path / "place").rename(tmp_path / "away")

        def missed() -> bool:
            hub.backups.look()
            return hub.safety().missed

        until(missed)
        assert hub.backups.nightly_fault == "backup.place"
        (tmp_path / "away").rename(tmp_path / "place")
        hub.backups.look()
        assert hub.backups.seen.fault is None and hub.safety().missed, "it is tried again in an hour, not at once"


def test_a_hub_that_stops_does_not_wait_for_its_backup(site: Site, tmp_path: Path) -> None:
    folder = site()
    with running(folder) as hub:
        hub.backups.look()
    assert not list((tmp_path / "place").glob("*.db")) or waystation("backup", "drill", "--dir", str(folder))[0] == 0
    assert waystation("backup", "create", "--dir", str(folder))[0] == 0, "no lock is left behind"


def test_the_place_keeps_the_newest_ones(site: Site, tmp_path: Path) -> None:
    folder = site()
    assert waystation("backup", "create", "--dir", str(folder))[1]["error"] == "backup.never-run"
    with running(folder):
        pass
    settings = folder / "settings.toml"
    settings.write_text(settings.read_text("utf-8").replace("[backup]", "[backup]\nkeep = 3"), "utf-8")
    names = [waystation("backup", "create", "--dir", str(folder))[1]["name"] for _ in range(5)]
    assert [name.rpartition("-")[2] for name in names] == ["0001", "0002", "0003", "0004", "0005"], "thinned or not"
    place = Place(tmp_path / "place", load_key(folder / "keys" / "store.key"))
    assert [each.name for each in place.backups()] == names[2:]
    assert sorted(path.stem for path in (tmp_path / "place").glob("*.db")) == sorted(names[2:])
    assert sorted(path.stem for path in (tmp_path / "place").glob("*.streams")) == sorted(names[2:])
    assert waystation("backup", "drill", "--dir", str(folder))[0] == 0
