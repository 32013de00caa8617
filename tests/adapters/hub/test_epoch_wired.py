"""A hub whose database was put back says so by a higher epoch before it answers anybody."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from hub.boot import Hub
from hub.settings import read_settings
from provisioning.making.directories import make_hub


def run_once(folder: Path, epoch: int | None = None) -> int:
    """Start, tick as after a minute, stop; the epoch it answered with."""
    hub = Hub(folder, read_settings(folder, {"WAYSTATION_BROKER__HOST": '""'}))
    try:
        hub.start(epoch)
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


def test_a_hub_without_its_file_says_what_to_do_and_an_operator_states_the_epoch(tmp_path: Path) -> None:
    folder = tmp_path / "hub"
    make_hub(folder, site="s", name="n", hosts=(), admin="u-admin", password="a long enough password 1")
    assert run_once(folder) == 1
    (folder / "monotone.json").unlink()
    for stated in ((), ("--epoch", "1")):
        refused = subprocess.run(
            [sys.executable, "-m", "hub", "--dir", str(folder), *stated],
            env={**os.environ, "WAYSTATION_BROKER__HOST": '""'},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert refused.returncode == 1
        assert "hub.epoch-" in refused.stderr and "Traceback" not in refused.stderr
    assert run_once(folder, epoch=5) == 5
    assert run_once(folder) == 5
