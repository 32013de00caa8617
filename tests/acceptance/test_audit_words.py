"""Whatever a program notes for auditors has words on their page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hub.features.audit.store import BACKFILL, WORK
from hub.features.audit.words import WHAT

ROOT = Path(__file__).parents[2]
NOTED = re.compile(r"(?:\bnoted\([^,()]+(?:\.[a-z]+)*, |\.note\(unit, )((?:\"[a-z-]+\.?[a-z-]*\"(?: if \w+ else )?)+)")


@pytest.mark.row("H35.4")
def test_every_noted_act_has_words() -> None:
    said = {*WORK.values(), BACKFILL}
    for package in ("appliance", "hub"):
        for path in (ROOT / package).rglob("*.py"):
            for found in NOTED.findall(path.read_text("utf-8")):
                said |= set(re.findall(r"\"([a-z.-]+)\"", found))
    assert {"sign-in", "paper.decided", "list.import", "record.name", "person.changed"} <= said
    assert said - set(WHAT) == set()
