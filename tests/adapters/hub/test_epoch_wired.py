"""A hub whose database was put back says so by a higher epoch before it answers anybody."""

from __future__ import annotations

import shutil
from pathlib import Path

from hub.boot import Hub, read_settings
from provisioning.making.directories import make_hub


def run_once(folder: Path) -> int:
    """Start, tick as after a minute, stop; the epoch it answered with."""
    hub = Hub(folder, read_settings(folder, {"WAYSTATION_BROKER__HOST": '""'}))
    try:
        hub.start()
        hub.epochs.tick()
        return hub.store.epoch
    finally:
        hub.stop()


def test_a_database_put_back_raises_the_epoch_once(tmp_path: Path) -> None:
    folder = tmp_path / "hub"
    make_hub(folder, site="s", name="n", hosts=(), admin="u-admin", password="a long enough password 1")
    assert run_once(folder) == 1
    shutil.copytree(folder / "data", tmp_path / "backup")
    assert run_once(folder) == 1, "an ordinary restart changes nothing"
    shutil.rmtree(folder / "data")
    shutil.copytree(tmp_path / "backup", folder / "data")
    assert run_once(folder) == 2
    assert run_once(folder) == 2
