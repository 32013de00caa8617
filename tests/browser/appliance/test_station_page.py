"""The device page of a box that scans, looks, presses, speaks and asks for signatures."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Locator, expect

from appliance.boot import Box
from hardware.twins.escl_scanner import EsclScannerTwin
from hardware.twins.pedal import PedalTwin
from hardware.twins.stream_camera import StreamCameraTwin
from hardware.twins.vendor_service import VendorServiceTwin
from provisioning.making.directories import toml
from tests.browser.appliance.conftest import PIN, make_box
from tests.browser.windows import HAND, PATIENCE_MS, ROOM, Window, open_window, sign_in_by_badge

SAYS = {
    "zh": {"ready": "正常", "page": "试扫一页", "got": "扫到一页", "done": "看好了", "empty": "没有试成：进纸口没有纸",
           "stop": "停下", "stopped": "停下了", "sound": "试音", "said": "念完了", "watch": "看画面", "leave": "不看了",
           "pressed": "踩到了，一共 1 次", "sign": "试签一次", "write": "请在屏上随便写一笔", "signed": "收到一笔签名",
           "open": "盖子开着", "off_line": "网络中断"},
    "en": {"ready": "Fine", "page": "Scan a trial page", "got": "One page", "done": "Done",
           "empty": "Not tried: no paper in the feeder", "stop": "Stop", "stopped": "Stopped", "sound": "Sound test",
           "said": "Said.", "watch": "Look through it", "leave": "Stop looking", "pressed": "Pressed, 1 so far",
           "sign": "Trial signature", "write": "Write anything", "signed": "a signature came", "open": "cover is open",
           "off_line": "Line down"},
}  # fmt: skip


def sheet(words: str, size: tuple[int, int] = (620, 877)) -> bytes:
    page = Image.new("RGB", size, "white")
    ImageDraw.Draw(page).multiline_text((80, 100), words, fill="black", font_size=28, spacing=14)
    kept = io.BytesIO()
    page.save(kept, "JPEG", dpi=(75, 75))
    return kept.getvalue()


class Room:
    """What hangs on the box."""

    def __init__(self) -> None:
        self.scanner, self.pedal, self.vendor = EsclScannerTwin(), PedalTwin(), VendorServiceTwin()
        frames = [sheet(f"Specimen {n}\nNo real record", (1280, 960)) for n in range(4)]
        self.camera = StreamCameraTwin(lambda n: frames[n // 10 % len(frames)])
        for twin in (self.scanner, self.pedal, self.vendor, self.camera):
            twin.start()

    def close(self) -> None:
        for twin in (self.scanner, self.pedal, self.vendor, self.camera):
            twin.close()

    def settings(self) -> str:
        return toml({"devices": {
            "scanners": [{"name": "desk", "url": self.scanner.url, "dpi": 75}],
            "cameras": [{"name": "table", "url": self.camera.url}],
            "pedals": [{"name": "foot", "url": self.pedal.url}],
            "speakers": [{"name": "hall", "url": "alsa:null"}],
            "services": [{"name": "pad", "mapping": "inkwell-pad", "url": self.vendor.http_url}],
        }})  # fmt: skip


@pytest.fixture
def room() -> Iterator[Room]:
    room = Room()
    yield room
    room.close()


@pytest.fixture
def box(tmp_path: Path, room: Room) -> Iterator[Box]:
    box = make_box(tmp_path / "records", "records", room.settings())
    yield box
    box.close()


def clean(window: Window) -> None:
    assert window.violations() == []
    assert window.foreign == [] and window.faults == []
    wide = window.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"{window.page.url} is {wide} px too wide"


def look(window: Window, name: str) -> None:
    """Pictures for whoever wants to look: `WAYSTATION_LOOK=DIR`."""
    if folder := os.environ.get("WAYSTATION_LOOK"):
        window.page.screenshot(path=f"{folder}/{name}.{window.lang}.png", full_page=True)


def press(row: Locator, words: str) -> None:
    """By keyboard alone."""
    row.get_by_role("button", name=re.compile(f"^{words}")).press("Enter", timeout=PATIENCE_MS)


@pytest.mark.row("E01.3")
@pytest.mark.row("G18.5")
@pytest.mark.parametrize(("lang", "size"), [("zh", ROOM), ("en", HAND)])
def test_a_station_is_tried_from_its_page(
    chromium: Browser, box: Box, room: Room, lang: str, size: tuple[int, int]
) -> None:
    says = SAYS[lang]
    window = open_window(chromium, box.start(), lang, size)
    page = window.page
    sign_in_by_badge(window, "WB-WEN", PIN)
    window.go("/devices")
    names = ("desk", "table", "foot", "hall", "pad")
    row = {name: page.locator("li.device", has=page.locator(f"b:text-is('{name}')")) for name in names}
    for name in names:
        expect(row[name]).to_contain_text(says["ready"], timeout=PATIENCE_MS)
    assert says["off_line"] in window.says(), "a box without its hub tries its devices all the same"
    clean(window)
    look(window, "station")

    # A scanner without paper says so; with paper its page is shown, and gone when it was looked at.
    press(row["desk"], says["page"])
    expect(row["desk"]).to_contain_text(says["empty"], timeout=PATIENCE_MS)
    room.scanner.load([sheet("Specimen page\nNo real record")])
    window.ready()
    press(row["desk"], says["page"])
    expect(row["desk"]).to_contain_text(says["got"], timeout=PATIENCE_MS)
    shown = row["desk"].locator("img.trial-picture")
    expect(shown).to_be_visible()
    assert shown.evaluate("each => each.decode().then(() => each.naturalHeight)") == 877
    clean(window)
    look(window, "station-page")
    window.ready()
    press(row["desk"], says["done"])
    expect(shown).to_have_count(0, timeout=PATIENCE_MS)

    # A loudspeaker speaks, and falls silent when it is told to.
    window.ready()
    press(row["hall"], says["sound"])
    expect(row["hall"]).to_contain_text(says["said"], timeout=PATIENCE_MS)

    # A foot switch is pressed, and that shows without a reload.
    window.ready()
    window.keep()
    assert room.pedal.wait_connected()
    room.pedal.press(held=3)
    expect(row["foot"]).to_contain_text(says["pressed"], timeout=PATIENCE_MS)
    assert window.kept()

    # A pad waits for a person; its signature is counted and not shown.
    press(row["pad"], says["sign"])
    expect(row["pad"]).to_contain_text(says["write"], timeout=PATIENCE_MS)
    look(window, "station-signing")
    room.vendor.wait_session()
    room.vendor.sign(b"\x89PNG a signature")
    expect(row["pad"]).to_contain_text(says["signed"], timeout=PATIENCE_MS)
    window.ready()
    press(row["pad"], says["sign"])
    window.ready()
    press(row["pad"], says["stop"])
    expect(row["pad"]).to_contain_text(says["stopped"], timeout=PATIENCE_MS)

    # Through the camera: the picture moves while it is looked at.
    window.ready()
    press(row["table"], says["watch"])
    window.ready()
    preview = page.locator("img.preview")
    expect(preview).to_have_attribute("src", re.compile("^data:image/jpeg"), timeout=PATIENCE_MS)
    first = preview.get_attribute("src")
    expect(preview).not_to_have_attribute("src", first, timeout=PATIENCE_MS)
    clean(window)
    look(window, "station-preview")
    page.get_by_role("link", name=says["leave"]).press("Enter")
    window.ready()
    expect(row["table"]).to_contain_text(says["ready"], timeout=PATIENCE_MS)

    # A cover that stands open is shown where it is looked at, with what to do.
    room.scanner.open_hatch()
    expect(page.locator(".trouble")).to_contain_text(says["open"], timeout=PATIENCE_MS)
    clean(window)
    look(window, "station-trouble")
