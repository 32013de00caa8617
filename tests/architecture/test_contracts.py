import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest

PURE_PLACES = ("sync.kernel", "sync.merge", "sync.domain", "sync.protocol", "sync.catalog")


@pytest.fixture(scope="module")
def contracts(root: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(root / ".importlinter", encoding="utf-8")
    return parser


def lines(contracts: configparser.ConfigParser, section: str, option: str) -> set[str]:
    return set(contracts[f"importlinter:contract:{section}"][option].split())


def test_every_contract_holds(root: Path) -> None:
    tool = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([tool, "--no-cache"], cwd=root, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout


def test_every_package_with_modules_is_walled(
    contracts: configparser.ConfigParser, product_modules: list[Path]
) -> None:
    assert set(contracts["importlinter"]["root_packages"].split()) == {path.parts[0] for path in product_modules}


def test_the_pure_set_is_whole(contracts: configparser.ConfigParser, product_modules: list[Path]) -> None:
    """A package that should be pure and exists is named; so is every package called `screens` and every codec."""
    present = {".".join(path.with_suffix("").parts) for path in product_modules}
    packages = {name.removesuffix(".__init__") for name in present}
    expected = {place for place in PURE_PLACES if place in packages}
    expected |= {name for name in packages if name.endswith((".screens", "hardware.codecs", "hardware.ports"))}
    patterns = lines(contracts, "pure", "source_modules") | lines(contracts, "pure-screens", "source_modules")
    named = [pattern.replace(".", r"\.").replace("*", r"[^.]+") for pattern in patterns]
    assert [name for name in sorted(expected) if not any(re.fullmatch(pattern, name) for pattern in named)] == []


def test_containers_of_features_are_named_once_they_exist(
    contracts: configparser.ConfigParser, product_modules: list[Path]
) -> None:
    independent = {
        module
        for section in contracts.sections()
        if contracts[section].get("type") == "independence"
        for module in contracts[section]["modules"].split()
    }
    for container in ("sync.domain", "appliance.features", "hub.features"):
        if any(".".join(path.parts).startswith(container + ".") and len(path.parts) > 3 for path in product_modules):
            assert f"{container}.*" in independent
