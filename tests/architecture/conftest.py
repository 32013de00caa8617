import subprocess
from pathlib import Path

import pytest

PACKAGES = ("appliance", "hub", "sync", "kiosk_ui", "pad_viewer", "hardware", "images", "provisioning")


@pytest.fixture(scope="session")
def root() -> Path:
    return Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def tracked(root: Path) -> list[Path]:
    """Every file that git knows and that is still there, relative to the root, sorted."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True).stdout
    return sorted(Path(name) for name in names.decode().split("\0") if name and (root / name).is_file())


@pytest.fixture(scope="session")
def product_modules(tracked: list[Path]) -> list[Path]:
    return [path for path in tracked if path.suffix == ".py" and path.parts[0] in PACKAGES]
