"""The front-end files: exactly the pinned versions, each hashed, the second run a no-op."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from kiosk_ui.kit import assets, icons

ROOT = Path(assets.__file__).parents[2]


def test_the_copied_files_are_the_ones_in_the_manifest() -> None:
    manifest = json.loads((assets.VENDOR / "manifest.json").read_text(encoding="utf-8"))
    assert assets.HTMX_FILE in manifest and len(manifest) > 100
    for name, digest in manifest.items():
        assert hashlib.sha256((assets.VENDOR / name).read_bytes()).hexdigest() == digest


def test_copying_twice_changes_nothing(tmp_path: Path) -> None:
    assert assets.copy(ROOT / "node_modules", tmp_path / "vendor") == assets.copy(
        ROOT / "node_modules", tmp_path / "vendor"
    )
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "vendor").rglob("*")}
    assets.copy(ROOT / "node_modules", tmp_path / "vendor")
    assert stamps == {path: path.stat().st_mtime_ns for path in (tmp_path / "vendor").rglob("*")}


def test_another_version_is_refused(tmp_path: Path) -> None:
    package = tmp_path / "htmx.org"
    package.mkdir()
    (package / "package.json").write_text('{"version": "4.0.1"}', encoding="utf-8")
    with pytest.raises(SystemExit, match=r"4\.0\.1"):
        assets.plan(tmp_path, tmp_path / "vendor")


def test_package_and_lock_name_versions_and_no_addresses() -> None:
    wanted = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert wanted["htmx.org"] == assets.HTMX_VERSION and wanted["lucide-static"] == assets.LUCIDE_VERSION
    assert "resolved" not in (ROOT / "package-lock.json").read_text(encoding="utf-8")


def test_start_says_what_to_do_when_the_files_are_missing(tmp_path: Path) -> None:
    with pytest.raises(icons.AssetsMissing, match="make setup"):
        icons.check_assets(tmp_path)
