"""Every sentence of a box has its English, every refusal its sentence, and no words that the house does not use."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import appliance
from appliance.web.sentences import SENTENCES
from kiosk_ui.kit.locale import OWN_PO, missing_entries, read_catalog
from kiosk_ui.kit.problems import SENTENCES as KIT_SENTENCES

ROOT = Path(appliance.__file__).parent
PO = str(ROOT / "locale" / "en.po")
REFUSALS = re.compile(r'Refused\(\s*"([a-z][a-z.-]+)"')
ELSEWHERE = {"seal.reason", "due.gone", "due.name", "hand.initials-differ", "hand.initials-missing"}
"""Refusals of rules that no service of a box asks."""


def test_every_sentence_has_its_english() -> None:
    assert missing_entries([str(ROOT)], [OWN_PO, PO]) == []


def test_no_entry_is_left_over() -> None:
    """An entry nobody says any more is a sentence nobody checks."""
    said = "\n".join(file.read_text("utf-8") for kind in ("*.py", "*.html") for file in ROOT.rglob(kind))
    flat = re.sub(r"\{\{\s*(\w+)\s*\}\}", r"%(\1)s", said)
    ids = [entry.id for entry in read_catalog((PO,)) if entry.id]
    entries = [one if isinstance(one, str) else one[0] for one in ids]  # of one with a plural both are the same
    assert [entry for entry in entries if entry not in flat] == []


def test_every_refusal_has_its_sentence() -> None:
    folders = [ROOT, *(ROOT.parent / "sync" / "domain" / name for name in ("tracking", "patients")),
               ROOT.parent / "hardware" / "codecs" / "identity", ROOT.parent / "hardware" / "drivers"]  # fmt: skip
    codes = {code for folder in folders for file in folder.rglob("*.py") for code in REFUSALS.findall(file.read_text())}
    assert len(codes) > 40
    assert sorted(codes - SENTENCES.keys() - KIT_SENTENCES.keys() - ELSEWHERE) == []


@pytest.mark.parametrize("word", ["系统", "服务器", "同步", "失败", "！", "确定", "取消", "对不起", "抱歉"])
def test_the_house_does_not_say(word: str) -> None:
    said = [entry.id for entry in read_catalog((PO,)) if entry.id and word in str(entry.id)]
    assert said == []


def test_english_raises_no_voice() -> None:
    english = [str(entry.string) for entry in read_catalog((PO,)) if entry.id]
    said = [text for text in english if "!" in text or "sorry" in text.lower()]
    assert said == []
