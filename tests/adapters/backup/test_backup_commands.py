"""A backup is made beside a working hub, read back, rehearsed and put back; what is damaged or too old is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hub.backup.place import Place
from hub.link.monotone import Monotone, MonotoneFile
from sync.adapters.keys import load_key
from tests.adapters.backup.conftest import hire, running, tables, waystation

Site = Callable[[], Path]


@pytest.mark.row("H35.15")
def test_a_running_hub_is_copied_whole_and_comes_back_under_a_higher_epoch(site: Site, tmp_path: Path) -> None:
    folder = site()
    with running(folder) as hub:
        hire(hub, "u-one", "u-two")
        hub.desk.settle()
        code, made = waystation("backup", "create", "--dir", str(folder))
        assert code == 0, made
        assert made["verified"] and made["relied_on"] and not made["keys"]
        before = tables(hub)
        code, refused = waystation("backup", "restore", "--dir", str(folder))
        assert (code, refused["error"]) == (1, "node.running")
    assert waystation("backup", "drill", "--dir", str(folder))[1]["restorable"]
    code, back = waystation("backup", "restore", "--dir", str(folder))
    assert code == 0, back
    assert (back["epoch"], back["facts"]) == (2, made["facts"])
    assert (Path(back["replaced"]) / "node.db").exists(), "the old database is kept aside"
    with running(folder) as hub:
        hub.desk.settle()
        assert hub.store.epoch == 2
        assert tables(hub) == before


def test_a_hub_whose_machine_is_gone_comes_back_with_the_recovery_key(site: Site, tmp_path: Path) -> None:
    folder, safe = site(), tmp_path / "safe.key"
    assert waystation("backup", "key", "--dir", str(folder), "--to", str(safe))[0] == 0
    with running(folder) as hub:
        hire(hub, "u-one")
        node = hub.store.node
        hub.epochs.above(6)
        assert waystation("backup", "create", "--dir", str(folder))[1]["keys"]
    place = str(tmp_path / "place")
    assert waystation("backup", "drill", "--dir", str(folder), "--recovery-key", str(safe))[0] == 0
    shutil.rmtree(folder)
    code, refused = waystation("backup", "restore", "--dir", str(folder), "--from", place)
    assert (code, refused["error"]) == (1, "backup.no-keys")
    wrong = tmp_path / "wrong.key"
    wrong.write_bytes(bytes(32))
    wrong.chmod(0o600)
    code, refused = waystation("backup", "restore", "--dir", str(folder), "--from", place, "--recovery-key", str(wrong))
    assert (code, refused["error"]) == (1, "backup.recovery-key")
    code, back = waystation("backup", "restore", "--dir", str(folder), "--from", place, "--recovery-key", str(safe))
    assert code == 0, back
    assert back["epoch"] == 8, "above the epoch that the place remembers"
    with running(folder) as hub:
        assert (hub.store.node, hub.store.epoch) == (node, 8)
        assert hub.people.one("u-one") is not None


@pytest.mark.parametrize("harm", ["one byte", "cut short", "gone", "streams", "catalogue"])
def test_a_damaged_backup_is_seen_and_nothing_is_touched(site: Site, tmp_path: Path, harm: str) -> None:
    folder, place = site(), tmp_path / "place"
    with running(folder):
        made = waystation("backup", "create", "--dir", str(folder))[1]
    file, streams, catalogue = (
        place / f"{made['name']}.db",
        place / f"{made['name']}.streams",
        place / "catalogue.json",
    )
    if harm == "one byte":
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
    elif harm == "cut short":
        file.write_bytes(file.read_bytes()[:-4096])
    elif harm == "gone":
        file.unlink()
    elif harm == "streams":
        streams.write_text("[]")
    else:
        told = json.loads(catalogue.read_text())
        told["backups"][0]["facts"] += 1
        catalogue.write_text(json.dumps(told))
    held = (folder / "data" / "node.db").read_bytes()
    code, found = waystation("backup", "drill", "--dir", str(folder))
    assert (code, found["restorable"]) == (1, False)
    code, refused = waystation("backup", "restore", "--dir", str(folder))
    assert code == 1 and refused["error"] == found["fault"], refused
    assert found["fault"] == ("backup.catalogue" if harm == "catalogue" else "backup.damaged")
    assert (folder / "data" / "node.db").read_bytes() == held
    assert not list(folder.glob("data.before-*"))


def test_a_backup_older_than_what_boxes_rely_on_needs_an_accepted_loss(site: Site, tmp_path: Path) -> None:
    folder = site()
    with running(folder):
        names = [waystation("backup", "create", "--dir", str(folder))[1]["name"] for _ in range(3)]
    place = Place(tmp_path / "place", load_key(folder / "keys" / "store.key"))
    kept = place.backups()
    assert [each.name for each in kept] == names
    relied = place.relied_on()
    assert relied is not None and relied.name == names[1]
    MonotoneFile(folder / "monotone.json").rise(Monotone(relied_ms=relied.began_ms))
    older = ("backup", "restore", "--dir", str(folder), "--backup", names[0])
    code, refused = waystation(*older)
    assert (code, refused["error"]) == (1, "backup.too-old")
    code, back = waystation(*older, "--accept-loss")
    assert (code, back["retired"]) == (0, 2)
    assert place.relied_on() is None, "nothing is promised on what was given up"
    assert waystation("backup", "restore", "--dir", str(folder))[1]["error"] == "backup.too-old", "said each time"


def test_a_restore_that_was_cut_off_is_finished_before_the_hub_starts(site: Site, tmp_path: Path) -> None:
    folder = site()
    with running(folder):
        waystation("backup", "create", "--dir", str(folder))
    (folder / "restoring").touch()
    (folder / "data" / "node.db").unlink()
    with pytest.raises(Exception, match=r"hub\.restoring"), running(folder):
        pass
    assert not (folder / "data" / "node.db").exists(), "no empty hub was begun"
    assert waystation("backup", "restore", "--dir", str(folder))[0] == 0
    with running(folder) as hub:
        assert hub.store.epoch == 2


def test_a_place_that_is_not_there_is_said_and_nothing_is_left(site: Site, tmp_path: Path) -> None:
    folder = site()
    with running(folder):
        pass
    shutil.rmtree(tmp_path / "place")
    code, refused = waystation("backup", "create", "--dir", str(folder))
    assert (code, refused["error"]) == (1, "backup.place")
    assert not list((folder / "backup.work").glob("*")) if (folder / "backup.work").exists() else True
