"""The programs ours is compared with are fetched on demand; where that fails, the benchmark says so and stops."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from provisioning.bench.baselines import pouch
from sync.kernel.outcome import Unavailable


def test_a_baseline_that_cannot_be_fetched_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(pouch.HERE / name, tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match=r"bench\.baseline"):
        pouch.fetch(tmp_path)


def test_what_was_fetched_for_this_lock_is_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(pouch.HERE / name, tmp_path)
    (tmp_path / "node_modules").mkdir()
    shutil.copy(tmp_path / "package-lock.json", tmp_path / "node_modules" / ".fetched")
    monkeypatch.setenv("PATH", str(tmp_path))
    pouch.fetch(tmp_path)


def test_the_baselines_are_pinned_without_addresses() -> None:
    lock = json.loads((pouch.HERE / "package-lock.json").read_text("utf-8"))
    entries = [entry for name, entry in lock["packages"].items() if name]
    assert entries and all("integrity" in entry and "resolved" not in entry for entry in entries)
