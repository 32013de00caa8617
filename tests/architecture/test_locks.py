import json
import re
import tomllib
from pathlib import Path

import pytest

LOCKS = ("requirements.lock", "requirements-build.lock")


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(root: Path, lock: str) -> dict[str, int]:
    """Name to number of hashes; fails on any line that is neither a pin nor a hash."""
    found: dict[str, int] = {}
    name = ""
    for line in (root / lock).read_text(encoding="utf-8").splitlines():
        if pin := re.fullmatch(r"([A-Za-z0-9._-]+)==([^\s;]+)( ; .+)? \\", line):
            name = canonical(pin[1])
            assert name not in found
            found[name] = 0
        else:
            assert re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line), line
            found[name] += 1
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_is_a_pin_or_a_hash(root: Path, lock: str) -> None:
    assert all(count > 0 for count in pins(root, lock).values())


def test_everything_asked_for_is_locked_and_nothing_by_address(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    assert [line for line in asked if "@" in line or "/" in line] == []
    names = {canonical(re.split(r"[\[<>=!~ ;]", line)[0]) for line in asked}
    assert names <= set(pins(root, "requirements.lock"))


def test_every_library_has_its_line_of_reason(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    page = (root / "docs/decisions/0001-dependencies.md").read_text(encoding="utf-8").lower()
    asked = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = [re.split(r"[\[<>=!~ ;]", line)[0].lower() for line in asked]
    assert [name for name in names if f"| `{name}`" not in page] == []


def test_page_assets_are_pinned_without_addresses(root: Path) -> None:
    package = json.loads((root / "package.json").read_text(encoding="utf-8"))
    wanted = {**package.get("dependencies", {}), **package.get("devDependencies", {})}
    assert [name for name, version in wanted.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []
    lock = json.loads((root / "package-lock.json").read_text(encoding="utf-8"))
    entries = {name: entry for name, entry in lock["packages"].items() if name}
    assert [name for name, entry in entries.items() if "resolved" in entry or "integrity" not in entry] == []
    assert set(package["dependencies"]).isdisjoint(package.get("devDependencies", {}))
