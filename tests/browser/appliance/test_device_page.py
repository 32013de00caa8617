"""The device page of a whole box: what is wrong and what to do, off and on, and a new gun paired by one scan."""

from __future__ import annotations

import os
import re
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from appliance.boot import Box
from appliance.features.devices import store as books
from hardware.ports import Identity, Plug
from hardware.twins.serial_gun import SerialGunTwin
from tests.browser.appliance.conftest import PIN, make_box
from tests.browser.windows import HAND, PATIENCE_MS, ROOM, Window, open_window, sign_in_by_badge

SAYS = {
    "zh": {"paired": "用新枪扫这个码", "off": "停用了", "ready": "正常", "gone": "断开了", "none": "还没有配枪",
           "read": "扫到 6 位", "pair": "配一把枪", "off_act": "停用", "on_act": "启用",
           "let_go": "放掉"},
    "en": {"paired": "Scan this code with the new gun", "off": "switched off", "ready": "Fine", "gone": "disconnected",
           "none": "no gun paired yet", "read": "read 6 characters", "pair": "Pair a gun", "off_act": "Switch off",
           "on_act": "Switch on", "let_go": "Let go"},
}  # fmt: skip
SERIAL = Identity("pci-0000:00:14.0-usb-0:3:1.0", "1a86", "7523")


@pytest.fixture
def gun() -> Iterator[SerialGunTwin]:
    twin = SerialGunTwin()
    twin.start()
    yield twin
    twin.close()


@pytest.fixture
def box(tmp_path: Path, gun: SerialGunTwin) -> Iterator[Box]:
    guns = "".join(
        f'[[devices.guns]]\nname = "{name}"\nurl = "{url}"\n'
        for name, url in (("counter", gun.url), ("far", "socket://127.0.0.1:1"), ("spare", ""))
    )
    box = make_box(tmp_path / "records", "records", guns)
    yield box
    box.close()


@pytest.fixture
def port() -> Iterator[tuple[int, str]]:
    """A pseudo terminal stands in for a serial gun's node: (where the gun writes, the node)."""
    ours, theirs = os.openpty()
    tty.setraw(ours)
    tty.setraw(theirs)
    yield ours, os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


def clean(window: Window) -> None:
    assert window.violations() == []
    assert window.foreign == [] and window.faults == []
    wide = window.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"{window.page.url} is {wide} px too wide"


def look(window: Window, name: str) -> None:
    """Pictures for whoever wants to look: `WAYSTATION_LOOK=DIR`."""
    if folder := os.environ.get("WAYSTATION_LOOK"):
        window.page.screenshot(path=f"{folder}/{name}.{window.lang}.png", full_page=True)


@pytest.mark.row("F10.24")
@pytest.mark.row("F10.23")
@pytest.mark.parametrize(("lang", "size"), [("zh", ROOM), ("en", HAND)])
def test_the_device_page(
    chromium: Browser, box: Box, gun: SerialGunTwin, port: tuple[int, str], lang: str, size: tuple[int, int]
) -> None:
    says = SAYS[lang]
    window = open_window(chromium, box.start(), lang, size)
    page = window.page
    sign_in_by_badge(window, "WB-WEN", PIN)
    window.go("/devices")
    row = {name: page.locator("li.device", has_text=name) for name in ("counter", "far", "spare", "gun-1")}
    expect(row["counter"]).to_contain_text(says["ready"], timeout=PATIENCE_MS)
    expect(row["spare"]).to_contain_text(says["none"], timeout=PATIENCE_MS)
    expect(page.locator(".trouble")).to_have_count(2, timeout=PATIENCE_MS)
    clean(window)
    look(window, "devices-trouble")

    # Trying a gun: the page tells that it read, and never what.
    assert gun.wait_connected()
    gun.scan("SECRET")
    expect(row["counter"]).to_contain_text(says["read"], timeout=PATIENCE_MS)
    assert "SECRET" not in page.content()

    # By keyboard: off, and on again.
    row["counter"].get_by_role("button", name=re.compile(f"^{says['off_act']}")).press("Enter")
    expect(row["counter"]).to_contain_text(says["off"], timeout=PATIENCE_MS)
    window.ready()
    with box.store.read() as conn:
        assert books.switched_off(conn) == {"counter"}
    clean(window)
    row["counter"].get_by_role("button", name=re.compile(f"^{says['on_act']}")).press("Enter")
    expect(row["counter"]).to_contain_text(says["ready"], timeout=PATIENCE_MS)

    # Pairing: the code stands on the screen, the gun scans it, and the socket is its own.
    window.ready()
    page.get_by_role("button", name=says["pair"], exact=True).press("Enter")
    expect(page.locator("#pairing-title")).to_contain_text(says["paired"], timeout=PATIENCE_MS)
    window.ready()
    clean(window)
    look(window, "devices-pairing")
    code = page.locator(".pairing-text").inner_text()
    written, node = port
    box.devices.plugs.plugged(Plug(node, "serial", SERIAL, "/devices/usb1/1-3"))
    os.write(written, b"typing\r")
    for _ in range(120):  # a port that is being opened throws away what it holds: people scan once more
        os.write(written, f"{code}\r".encode())
        page.wait_for_timeout(250)
        if page.locator("#pairing-title").count() == 0:
            break
    expect(page.locator("#pairing-title")).to_have_count(0, timeout=PATIENCE_MS)
    expect(row["gun-1"]).to_contain_text(says["ready"], timeout=PATIENCE_MS)
    os.write(written, b"\rSECRET\r")
    expect(row["gun-1"]).to_contain_text(says["read"], timeout=PATIENCE_MS)
    with box.store.read() as conn:
        assert [(one.name, one.identity) for one in books.bindings(conn)] == [("gun-1", SERIAL)]
    clean(window)
    look(window, "devices-paired")

    # Pulled out: shown where it is looked at, without a reload.
    window.keep()
    box.devices.plugs.unplugged(node)
    expect(page.locator(".trouble")).to_have_count(3, timeout=PATIENCE_MS)
    assert window.kept()

    # Let go: nothing of it is left on the page.
    row["gun-1"].get_by_role("button", name=re.compile(f"^{says['let_go']}")).press("Enter")
    expect(row["gun-1"]).to_have_count(0, timeout=PATIENCE_MS)
    with box.store.read() as conn:
        assert books.bindings(conn) == []
