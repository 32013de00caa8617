import re
import statistics
from pathlib import Path

TOP = {"appliance", "hub", "sync", "kiosk_ui", "pad_viewer", "hardware", "images", "provisioning", "tests"}
BESIDE = {"docs", "bench", ".ci"}
FILES = {
    ".gitignore",
    ".importlinter",
    ".npmrc",
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "README.zh-CN.md",
    "package-lock.json",
    "package.json",
    "pyproject.toml",
    "requirements-build.lock",
    "requirements.lock",
}
LINES_MAX = 400
MEDIAN_MAX = 150


def test_the_top_of_the_tree_is_fixed(tracked: list[Path]) -> None:
    folders = {path.parts[0] for path in tracked if len(path.parts) > 1}
    files = {path.name for path in tracked if len(path.parts) == 1}
    assert folders <= TOP | BESIDE
    assert files <= FILES


def test_modules_stay_small(root: Path, product_modules: list[Path]) -> None:
    lengths = {path: (root / path).read_text(encoding="utf-8").count("\n") for path in product_modules}
    assert {path: count for path, count in lengths.items() if count > LINES_MAX} == {}
    assert statistics.median(count for path, count in lengths.items() if path.name != "__init__.py") <= MEDIAN_MAX


def test_tests_are_no_package(tracked: list[Path]) -> None:
    assert [path for path in tracked if path.parts[0] == "tests" and path.name == "__init__.py"] == []


def test_every_folder_of_modules_is_a_package(root: Path, product_modules: list[Path]) -> None:
    """A folder without `__init__.py` would escape the import contracts."""
    folders = {parent for path in product_modules for parent in path.parents if parent != Path(".")}
    assert [folder for folder in sorted(folders) if not (root / folder / "__init__.py").is_file()] == []


def test_nothing_is_left_for_later_in_a_comment(root: Path, product_modules: list[Path]) -> None:
    later = re.compile(r"#.*\b(TODO|FIXME|XXX|HACK)\b")
    found = [path for path in product_modules if later.search((root / path).read_text(encoding="utf-8"))]
    assert found == []


def test_an_ignore_has_its_reason_on_the_line(root: Path, product_modules: list[Path]) -> None:
    bare = re.compile(r"#\s*(type: ignore(\[[^\]]*\])?|noqa(: ?[A-Z0-9, ]+)?)\s*$", re.MULTILINE)
    found = [path for path in product_modules if bare.search((root / path).read_text(encoding="utf-8"))]
    assert found == []
