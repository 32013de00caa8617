"""The page of papers beside a real print server: a tray that is empty, a jam, a printer that lost its power."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from hardware.twins.paper_printer import PaperPrinter
from hardware.twins.zpl_printer import ZplPrinterTwin
from tests.adapters.hardware.document_room import print_room
from tests.browser.appliance.conftest import PIN, make_box
from tests.browser.windows import HAND, PATIENCE_MS, ROOM, Window, open_window, sign_in_by_badge


@dataclass
class Room:
    home: str
    office: PaperPrinter
    labels: ZplPrinterTwin


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    labels = ZplPrinterTwin(0, tmp_path / "labels", label_s=0.5)
    labels.start()
    with print_room() as server:
        office = server.add_printer("office", 0.02)
        server.add_queue("office", office)
        box = make_box(
            tmp_path / "records", "records",
            f'[devices]\nprint_server = "{server.server}"\n'
            f'label_printer = {{url = "socket://127.0.0.1:{labels.port}"}}\n'
            '[[devices.document_printers]]\nname = "office-printer"\nqueue = "office"\ncounts_pages = true\n',
        )  # fmt: skip
        try:
            yield Room(box.start(), office, labels)
        finally:
            box.close()
    labels.close()


class Desk:
    """Two people look at the papers: at the counter in Chinese, on a hand-held in English."""

    def __init__(self, chromium: Browser, home: str) -> None:
        self.counter = open_window(chromium, home, "zh", ROOM)
        self.hand = open_window(chromium, home, "en", HAND)
        for window in (self.counter, self.hand):
            sign_in_by_badge(window, "WB-WEN", PIN)
            window.go("/paper")

    def press(self, button: str) -> None:
        self.counter.page.get_by_role("button", name=button, exact=True).press("Enter")
        self.counter.ready()

    def newest(self, window: Window) -> Locator:
        return window.page.locator("ul.rows li").first

    def both(self, zh: str, en: str, where: Callable[[Window], Locator]) -> None:
        expect(where(self.counter)).to_contain_text(zh, timeout=PATIENCE_MS)
        expect(where(self.hand)).to_contain_text(en, timeout=PATIENCE_MS)

    def look(self, name: str) -> None:
        """Clean for everybody; pictures for whoever wants to look: `WAYSTATION_LOOK=DIR`."""
        for window in (self.counter, self.hand):
            assert window.violations() == [] and window.foreign == [] and window.faults == []
            wide = window.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, f"{window.page.url} is {wide} px too wide"
            if folder := os.environ.get("WAYSTATION_LOOK"):
                window.page.screenshot(path=f"{folder}/{name}.{window.lang}.png", full_page=True)


@pytest.mark.row("E05.5")
def test_what_waits_says_what_for_and_a_doubt_is_settled_once(chromium: Browser, room: Room) -> None:
    desk, office = Desk(chromium, room.home), room.office
    desk.both("还没有打过纸", "Nothing", lambda window: window.page.locator("ul.rows"))

    # The tray is empty: the page says so where the paper is waited for, and what to do.
    office.paper_out()
    desk.press("办公打印机打一张测试页")
    desk.both("等着：没纸了", "waits: ", desk.newest)
    desk.both("纸盒加满", "fill the tray", lambda window: window.page.locator(".trouble"))
    desk.look("paper-out")
    office.load_paper()
    desk.both("打好了", "printed", desk.newest)
    expect(desk.counter.page.locator(".trouble")).to_have_count(0, timeout=PATIENCE_MS)

    # A jam: once it is cleared the missing page comes by itself.
    office.jam()
    desk.press("办公打印机打一张测试页")
    desk.both("等着：卡纸了", "waits: ", desk.newest)
    office.clear_jam()
    desk.both("打好了", "printed", desk.newest)

    # Power lost with a page inside: a doubt, settled by a person, once.
    office.paper_out()
    desk.press("办公打印机打一张测试页")
    desk.both("等着：没纸了", "waits: ", desk.newest)
    office.power_off()
    office.load_paper()
    office.power_on()
    desk.both("办公打印机的测试页，说不准打没打出来", "Office printer", lambda window: window.page.locator(".doubt"))
    desk.look("doubt")
    desk.press("没出来，重打一份")
    desk.both("补打第 1 次", "eprint", desk.newest)
    desk.both("打好了", "printed", desk.newest)
    expect(desk.hand.page.locator(".doubt")).to_have_count(0, timeout=PATIENCE_MS)
    assert len(office.sheets) == 3

    # A label printer's test label, from the same page.
    desk.press("标签机打一张测试页")
    assert room.labels.wait_labels(1)
    desk.both("打好了", "printed", desk.newest)

    # Cut off in the middle of a label: the doubt says why.
    desk.press("标签机打一张测试页")
    assert room.labels.wait_moving()
    room.labels.power_off()
    desk.both("打到一半，打印机断开了。", "cut off in mid-print", lambda window: window.page.locator(".doubt"))
    desk.look("label-doubt")
    room.labels.power_on()
    desk.press("打出来了")
    expect(desk.hand.page.locator(".doubt")).to_have_count(0, timeout=PATIENCE_MS)
