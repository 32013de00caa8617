import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def rows(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("rows", root / "docs/rows.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_mark_names_a_clause(rows: ModuleType) -> None:
    known = rows.clauses()
    assert {clause: tests for clause, tests in rows.proofs().items() if clause not in known} == {}


def test_clauses_are_numbered_from_one_without_a_gap(rows: ModuleType) -> None:
    numbers: dict[str, list[int]] = {}
    for clause in rows.clauses():
        row, number = clause.split(".")
        numbers.setdefault(row, []).append(int(number))
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())


def test_every_clause_has_a_test(rows: ModuleType) -> None:
    found = rows.proofs()
    assert [clause for clause in rows.clauses() if clause not in found] == []


def test_marks_are_found_wherever_they_stand(rows: ModuleType) -> None:
    source = (
        "import pytest\n"
        "pytestmark = pytest.mark.row('A05.1')\n"
        "@pytest.mark.row('F10.2', 'F10.3')\n"
        "def test_gun(): ...\n"
        "class TestRoom:\n"
        "    @pytest.mark.parametrize('n', [pytest.param(1, marks=pytest.mark.row('F10.15'))])\n"
        "    def test_hand_in(self, n): ...\n"
    )
    assert sorted(rows.marked(source)) == [
        ("A05.1", "the whole file"),
        ("F10.15", "test_hand_in"),
        ("F10.2", "test_gun"),
        ("F10.3", "test_gun"),
    ]


def test_the_page_shows_what_is_open(rows: ModuleType) -> None:
    table = {"F10": {"title": "t", "title_zh": "题", "clauses": {"1": "one", "2": "two"}}}
    text = rows.page(table, {"F10.1": ["tests/a.py::test_a"]})
    assert "1 of 2 clauses have a test" in text
    assert "| F10.1 | one | `tests/a.py::test_a` |" in text
    assert "| F10.2 | two | no test yet |" in text
