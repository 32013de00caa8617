"""A box whose line is cut, a stick, and the hub: out, there, back and in by the page, with keys alone."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from appliance.boot import Box
from provisioning.bench.site import ADMIN, found_site
from provisioning.demo.stage import NodeProcess
from provisioning.making.client import HubClient
from provisioning.making.directories import enrol_box
from tests.browser.appliance.test_device_page import clean, look
from tests.browser.windows import HAND, PATIENCE_MS, open_window, sign_in_by_badge
from tests.waiting import until

BADGE, PIN = "WB-LUO", "2468"
SAYS = {
    "zh": {"out": "带出", "in": "带入", "written": "封好了，只有中心打得开", "signed": "中心新签收了",
           "none": "没有看到 U 盘", "lists": "名单都更新了"},
    "en": {"out": "Carry out", "in": "Bring in", "written": "only the centre can open", "signed": "has signed for",
           "none": "No stick is plugged in", "lists": "The lists are up to date"},
}  # fmt: skip


@dataclass
class Apart:
    """A hub that runs, and a box that has met it once and reaches it no more."""

    hub: HubClient
    box: Box
    home: str
    stick: Path


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[Apart]:
    password = found_site(tmp_path)
    node = NodeProcess("hub", tmp_path / "hub")
    hub = HubClient(str(node.start()["base_url"]))
    try:
        hub.sign_in({"user": ADMIN, "password": password})
        hub.put("/api/v1/wards/W12", {"name_zh": "心内二病区", "name_en": "Cardiology 2", "limit_days": 3})
        hub.post(
            "/api/v1/people", {"user": "u-luo", "name": "罗建平", "roles": ["courier"], "badge": BADGE, "pin": PIN}
        )
        card = hub.post("/api/v1/cards", {"role": "courier", "name": "手持机一号", "wards": ["W12"]})
        folder, stick = tmp_path / "box", tmp_path / "KINGSTON"
        stick.mkdir()
        enrol_box(folder, card["card"])
        settings = folder / "settings.toml"
        settings.write_text(settings.read_text("utf-8") + f'\n[stick]\nfolders = ["{stick}"]\n', "utf-8")
        first = Box(folder, {})
        first.start()
        until(lambda: first.people.by_badge(BADGE))
        first.close()
        cut = re.sub(r"mqtt_port = \d+", "mqtt_port = 1", settings.read_text("utf-8"))
        settings.write_text(re.sub(r"(https://[^:]+):\d+", r"\1:1", cut), "utf-8")
        box = Box(folder, {})
        try:
            yield Apart(hub, box, box.start(), stick)
        finally:
            box.close()
    finally:
        node.stop()


@pytest.mark.row("F10.14")
def test_out_and_in_by_keys(apart: Apart, chromium: Browser) -> None:
    for lang in ("zh", "en"):
        walk(apart, chromium, lang)


def walk(apart: Apart, chromium: Browser, lang: str) -> None:
    says, gone = SAYS[lang], apart.stick.with_name("gone")
    waiting = apart.box.port.ledger().waiting
    assert waiting > 0, "what this start has opened"
    window = open_window(chromium, apart.home, lang, HAND)
    page = window.page
    sign_in_by_badge(window, BADGE, PIN)
    window.go("/carry")
    expect(page.get_by_role("heading", name="KINGSTON").last).to_be_visible(timeout=PATIENCE_MS)
    clean(window)
    look(window, f"stick-{lang}-there")
    page.keyboard.press("F2")
    expect(page.locator("main")).to_contain_text(says["written"], timeout=PATIENCE_MS)
    window.ready()
    clean(window)
    look(window, f"stick-{lang}-out")
    [file] = apart.stick.glob("way-*.way")

    answer = apart.hub.carry("/api/v1/stick", file.read_bytes())
    (apart.stick / f"answer-{file.name}").write_bytes(answer)
    expect(page.get_by_role("button", name=re.compile(says["in"]))).to_be_visible(timeout=PATIENCE_MS)
    page.keyboard.press("F4")
    expect(page.locator("main")).to_contain_text(says["signed"], timeout=PATIENCE_MS)
    expect(page.locator("main")).to_contain_text(says["lists"], timeout=PATIENCE_MS)
    window.ready()
    clean(window)
    look(window, f"stick-{lang}-in")
    until(lambda: apart.box.port.ledger().waiting == 1)  # the line that says who brought it in
    with apart.box.store.read() as conn:
        assert conn.execute("SELECT count(*) FROM cursor WHERE to_repair = 0").fetchone()[0] >= 3

    # Pulled out: the page says so by itself.
    window.keep()
    os.rename(apart.stick, gone)
    expect(page.locator("main")).to_contain_text(says["none"], timeout=PATIENCE_MS)
    assert window.kept()
    look(window, f"stick-{lang}-gone")
    for path in gone.iterdir():
        path.unlink()
    os.rename(gone, apart.stick)
