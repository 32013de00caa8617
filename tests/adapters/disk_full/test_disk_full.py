"""A full disk refuses new work with a sentence and keeps the rest; a failed flush is believed once, and checked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from appliance.web.sentences import SENTENCES
from sync.adapters.sqlite_log.connection import WAL_BYTES_MAX
from sync.adapters.sqlite_log.reserve import RESERVE_BYTES, Reserve

HERE = Path(__file__).parent
SIZE_MIB = 64


def on_a_small_disk(what: str, folder: Path, root: Path, mib: int = SIZE_MIB) -> dict[str, Any]:
    """Run one day of `full_disk` on a file system of its own, which nobody else sees."""
    folder.mkdir()
    mount = f'mount -t tmpfs -o size={mib}m tmpfs "$0" && exec "$@"'
    within = ["unshare", "--mount", "sh", "-c", mount, folder]
    if os.geteuid():
        within.insert(1, "--map-root-user")
    tried = subprocess.run([*within, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"this kernel gives no mount namespace: {tried.stderr.strip()}")
    done = subprocess.run(
        [*within, sys.executable, HERE / "full_disk.py", what, folder / "box"],
        env={**os.environ, "PYTHONPATH": str(root)}, cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.row("F10.20")
def test_a_full_disk_refuses_new_work_and_loses_nothing(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    met = on_a_small_disk("day", tmp_path / "disk", request.config.rootpath)
    assert set(met["refused"]) == {"store.full"} and "store.full" in SENTENCES
    assert met["pages"] == {"zh": 200, "en": 200}
    assert met["readable"] == met["kept"] - 1, "reads went on, and the one scan after there was room is the last"
    assert met["lost"] == []
    assert met["reserve"] == RESERVE_BYTES


def test_a_box_starts_on_a_full_disk(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    assert on_a_small_disk("restart", tmp_path / "disk", request.config.rootpath) == {"opened": True}


@pytest.mark.row("F10.20")
def test_lists_make_room_before_work_is_refused_and_come_back(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    met = on_a_small_disk("mirrors", tmp_path / "disk", request.config.rootpath, mib=128)
    assert met["steps"][:2] == [[], ["ward:W02"]], "the list that nobody works from goes first, and it was enough"
    assert met["works"] == "" and met["shrunk"] > 1024 * 1024, "its room is the disk's again"
    assert met["steps"][2] == ["site:stays", "ward:W01", "ward:W02"], "then what today's work is judged by"
    assert set(met["refused"]) == {"store.full"} and met["taken"] == met["kept"] and met["people"]
    assert "先放下了" in met["said"]["zh"] and "put these down" in met["said"]["en"]
    assert [len(step) for step in met["steps"][3:]] == [2, 1, 0], "one after the other"
    assert met["steps"][3] == ["ward:W01", "ward:W02"] or met["steps"][-2] == ["ward:W02"]
    assert met["after"] == ""


def test_the_reserve_is_more_than_the_log_may_grow_to(tmp_path: Path) -> None:
    assert RESERVE_BYTES > WAL_BYTES_MAX
    reserve = Reserve(tmp_path / "reserve", 100_000)
    assert reserve.fill() and reserve.held
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= 100_000, "room that is only promised is none"
    reserve.release()
    reserve.release()
    assert not reserve.held


def test_a_flush_that_failed_once_is_not_trusted_until_the_file_was_read_again(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    library = tmp_path / "no_flush.so"
    subprocess.run(
        ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", library, HERE / "no_flush.c", "-ldl"],
        check=True,
    )
    order = tmp_path / "order"
    done = subprocess.run(
        [sys.executable, HERE / "failed_flush.py", tmp_path / "box", order],
        env={**os.environ, "PYTHONPATH": str(request.config.rootpath), "LD_PRELOAD": str(library),
             "NO_FLUSH_ORDER": str(order)},
        cwd=request.config.rootpath, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    met = json.loads(done.stdout)
    assert met["refused"] == ["store.write"], "told once, and the next scan is kept"
    assert met["lost"] == [] and met["stamps_rise"]
