"""Every sentence in two languages, and a sentence for every refusal."""

from __future__ import annotations

import re
from pathlib import Path

from hub.assembly import HERE, PO_FILE
from kiosk_ui.kit.locale import OWN_PO, missing_entries
from kiosk_ui.kit.problems import SENTENCES
from tests.adapters.hub.conftest import Desk


def test_no_sentence_of_the_hub_lacks_its_english() -> None:
    assert missing_entries([str(HERE)], [OWN_PO, PO_FILE]) == []


def test_every_refusal_has_its_sentence(desk: Desk) -> None:
    told = {**SENTENCES, **desk.hub.app.extensions["kit"].sentences}
    codes = {
        code
        for file in Path(HERE).rglob("*.py")
        if "imports/hl7" not in file.as_posix()
        for code in re.findall(r'Refused\("([a-z.-]+)"', file.read_text(encoding="utf-8"))
    }
    assert codes - told.keys() == set()
