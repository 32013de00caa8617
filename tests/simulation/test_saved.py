"""A saved schedule: the same run again, and anything else in its place is told as what it is."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from provisioning.cli.app import whole
from provisioning.simulator.drawing import draw
from provisioning.simulator.saved import from_text, to_text

GOOD: dict[str, Any] = json.loads(to_text(draw(9), ""))
WRONG: list[dict[str, Any]] = [
    {"seed": "9"},
    {"seed": None},
    {"boxes": 0},
    {"boxes": -1},
    {"boxes": 100_000},
    {"boxes": 2.0},
    {"boxes": True},
    {"lasts_s": "long"},
    {"lasts_s": [1]},
    {"lasts_s": 1e300},
    {"faults": ["nonsense"]},
    {"faults": [[]]},
    {"faults": 7},
    {"rates": []},
    {"rates": {"loss": "x"}},
    {"rates": {"loss": None}},
    {"rates": {"loss": -1}},
    {"events": 1},
    {"events": [1]},
    {"events": [[]]},
    {"events": [[1, "scan", 0]]},
    {"events": [[1, "scan", 0, 1, 1]]},
    {"events": [[1, "nobody's hand", 0, 1]]},
    {"events": [[1, [], 0, 1]]},
    {"events": [["1", "scan", 0, 1]]},
    {"events": [[float("nan"), "scan", 0, 1]]},
    {"events": [[-1, "scan", 0, 1]]},
    {"events": [[1, "scan", 7, 1]]},
    {"events": [[1, "scan", -2, 1]]},
    {"events": [[1, "scan", 0, "n"]]},
    {"small": 1},
    {"alone": "no"},
    {"real_suite": None},
]
NO_TEXT = ["", "[]", "{}", '"x"', "0", "null", "nonsense", "[" * 100_000, '{"seed": 1}']


def test_a_saved_schedule_is_the_same_plan() -> None:
    plan = draw(9)
    assert from_text(to_text(plan, "")) == plan


@pytest.mark.parametrize("part", WRONG, ids=str)
def test_a_part_that_is_of_another_kind_makes_no_schedule(part: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        from_text(json.dumps({**GOOD, **part}))
    name = next(iter(part))
    with pytest.raises(ValueError):
        from_text(json.dumps({held: value for held, value in GOOD.items() if held != name}))


@pytest.mark.parametrize("text", NO_TEXT, ids=lambda text: text[:20])
def test_what_is_no_schedule_is_told_in_a_sentence(text: str, tmp_path: Path) -> None:
    path = tmp_path / "schedule.json"
    path.write_text(text, encoding="utf-8")
    _is_told(path)


def test_bytes_a_folder_and_nothing_are_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(os.urandom(64) + b"\xff")
    for name in ("bytes", "missing", "."):
        _is_told(tmp_path / name)


def _is_told(path: Path) -> None:
    done = CliRunner().invoke(whole(), ["simulate", "--replay", str(path)])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "No schedule is in that file.\n"
