"""The first page in a real browser, over a stage of twins and lines alone: no node runs, and the page says so."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from hardware.codecs.keymap import DOWN, EV_KEY, INPUT_EVENT
from hardware.drivers.glyphs import Glyphs
from hardware.twins.escpos_printer import EscposPrinterTwin
from hardware.twins.serial_gun import SerialGunTwin
from hardware.twins.zpl_printer import ZplPrinterTwin
from provisioning.demo.fleet import NodeProcess
from provisioning.demo.landing import Landing, serve
from provisioning.demo.office import Office, lacking
from provisioning.demo.relay import LineSpec, Relay
from provisioning.demo.relay_control import RelayControl
from provisioning.demo.scanning_desk import ScanningDesk
from provisioning.demo.stage import Stage, Station

ROOT = Path(__file__).parents[3]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
NOBODY = ("127.0.0.1", 9)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("landing")
    glyphs = Glyphs()
    stations = []
    for name, role, wards in (("records-room", "records", ()), ("courier-1", "courier", ("W01", "W03"))):
        here = folder / name
        here.mkdir()
        station = Station(name, role, here, NodeProcess("appliance", here), SerialGunTwin(), wards)
        station.base_url = "http://127.0.0.1:9"
        station.gun.start()
        if role == "courier":
            station.printer = EscposPrinterTwin(0, here / "slips", 384, glyphs)
            station.printer.start()
        else:
            station.label_printer = ZplPrinterTwin(0, here / "labels")
            station.label_printer.start()
            station.desk = ScanningDesk(glyphs)
            station.desk.start()
            if not lacking():
                station.office = Office(here / "sheets")
                station.office.begin()
        stations.append(station)
    relay = Relay([LineSpec(station.name, {"mqtt": NOBODY, "https": NOBODY}) for station in stations])
    relay.start()
    control = RelayControl(relay)
    control.start()
    hub = NodeProcess("hub", folder / "hub")
    began = datetime.now(UTC).isoformat(timespec="seconds")
    made = Stage(folder, 42, hub, stations, relay, control, {"base_url": "http://127.0.0.1:9"}, "hunter2", began)
    yield made
    made.close()


@pytest.fixture(scope="module")
def landing(stage: Stage) -> Iterator[Landing]:
    served = serve(stage, 0)
    yield served
    served.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS, env={**os.environ})
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, landing: Landing) -> Iterator[Page]:
    """A page that may speak with the landing page's own server only, and has no fault of its own."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    foreign: list[str] = []
    home = urlsplit(landing.url).netloc

    def only_ours(route: Any) -> None:
        if urlsplit(route.request.url).netloc == home:
            route.continue_()
        else:
            foreign.append(route.request.url)
            route.abort()

    context.route("**/*", only_ours)
    shown = context.new_page()
    faults: list[str] = []
    shown.on("pageerror", lambda error: faults.append(str(error)))
    shown.goto(f"{landing.url}?lang=zh")
    shown.wait_for_selector("html[data-ready]")
    yield shown
    context.close()
    assert foreign == [] and faults == []


@pytest.fixture
def listener(stage: Stage) -> Iterator[socket.socket]:
    """Somebody has the courier's gun open."""
    gun = stage.station("courier-1").gun
    with socket.create_connection(("127.0.0.1", gun.port)) as line:
        assert gun.wait_connected()
        yield line


@pytest.mark.parametrize("theme", ["light", "dark", "contrast"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_is_readable_by_everyone_with_all_of_it_open(
    page: Page, landing: Landing, lang: str, theme: str
) -> None:
    page.goto(f"{landing.url}?lang={lang}&theme={theme}")
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert [f"{each['id']}: {node['target']}" for each in found["violations"] for node in each["nodes"]] == []


@pytest.mark.parametrize("width", [1440, 1024, 480])
def test_the_page_fits_its_window(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_line_is_switched_by_keyboard_and_the_focus_stays(page: Page, stage: Stage) -> None:
    page.focus("#line-courier-1-silent")
    page.keyboard.press("Enter")
    page.wait_for_selector("#line-courier-1-silent[aria-pressed=true]")
    assert stage.relay.line("courier-1").mode == "silent"
    expect(page.locator("#line-courier-1-silent")).to_be_focused(timeout=30_000)
    page.wait_for_selector("#happened >> text=1 号手持机的线路拨到：没回音")
    page.click("#all-off")
    page.wait_for_selector("#line-records-room-refused[aria-pressed=true]")
    assert {line.mode for line in stage.relay.lines()} == {"refused"}
    page.click("#all-on")
    page.wait_for_selector("#line-records-room-up[aria-pressed=true]")
    assert {line.mode for line in stage.relay.lines()} == {"up"}


def test_a_line_that_another_program_switched_shows_without_reload(page: Page, stage: Stage) -> None:
    stage.relay.set_mode("records-room", "half-cut")
    page.wait_for_selector("#line-records-room-half-cut[aria-pressed=true]")
    stage.relay.set_mode("records-room", "up")
    page.wait_for_selector("#line-records-room-up[aria-pressed=true]")


def test_the_trigger_makes_the_gun_speak(page: Page, listener: socket.socket) -> None:
    page.click("#pull-courier-1")
    heard = listener.makefile("rb")
    listener.settimeout(30)
    assert heard.read(2) == b"QL"
    page.fill("#code-courier-1", "QL00731846-2")
    page.click("#type-courier-1")
    page.wait_for_selector("#papers-courier-1 >> text=QL00731846-2")
    page.wait_for_selector("#happened >> text=QL00731846-2")


def test_a_nurse_s_badge_is_read_by_the_courier_s_gun(page: Page, listener: socket.socket, stage: Stage) -> None:
    page.select_option("#nurse-user", "u-nurse-w03")
    page.click("#nurse-courier-1")
    page.wait_for_selector("#papers-courier-1 >> text=WB-N-W03")
    assert stage.station("courier-1").gun.sent[-1][0] == b"WB-N-W03\r"


def test_a_gun_that_nobody_listens_to_says_so(page: Page) -> None:
    page.select_option("#kind-records-room", "again")
    page.click("#pull-records-room")
    page.wait_for_selector("#notice:has-text('trigger.none')")
    page.select_option("#kind-records-room", "unknown")
    page.click("#pull-records-room")
    page.wait_for_selector("#notice:has-text('没有机器接着这把枪')")


def test_paper_and_cover_are_taken_and_given_back(page: Page) -> None:
    state = page.locator("#papers-courier-1 .printer-state")
    page.click("#paper-courier-1")
    page.wait_for_selector("#paper-courier-1[value=load]")
    assert "没纸" in state.inner_text()
    page.click("#cover-courier-1")
    page.wait_for_selector("#cover-courier-1[value=close]")
    assert "盖开着" in state.inner_text()
    page.click("#paper-courier-1")
    page.wait_for_selector("#paper-courier-1[value=out]")
    page.click("#cover-courier-1")
    page.wait_for_selector("#cover-courier-1[value=open]")


def test_the_foot_switch_is_pressed_pulled_out_and_plugged_in(page: Page, stage: Stage) -> None:
    desk, papers = stage.station("records-room").desk, page.locator("#papers-records-room")
    assert desk is not None
    page.click("#press-records-room")
    page.wait_for_selector("#notice:has-text('没有机器接着这个踏板')")
    with socket.create_connection(("127.0.0.1", desk.pedal.port)) as line:
        assert desk.pedal.wait_connected()
        line.settimeout(30)
        page.focus("#press-records-room")
        page.keyboard.press("Enter")
        assert line.makefile("rb").read(INPUT_EVENT.size) == INPUT_EVENT.pack(0, 0, EV_KEY, 48, DOWN)
        expect(papers).to_contain_text("踩过 1 下", timeout=30_000)
        page.wait_for_selector("#happened >> text=踏板踩了一下")
        page.click("#pedal-records-room")
        expect(papers).to_contain_text("拔下来了", timeout=30_000)
        expect(page.locator("#press-records-room")).to_be_disabled(timeout=30_000)
    page.click("#pedal-records-room")
    expect(papers).to_contain_text("插着", timeout=30_000)
    with socket.create_connection(("127.0.0.1", desk.pedal.port)):
        assert desk.pedal.wait_connected()


@pytest.mark.skipif(bool(lacking()), reason=lacking())
def test_the_office_printer_is_emptied_and_jammed(page: Page, stage: Stage) -> None:
    office = stage.station("records-room").office
    assert office is not None
    papers = page.locator("#papers-records-room")
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
    page.click("#tray-records-room")
    page.wait_for_selector("#tray-records-room[value=load]")  # "没纸" alone stands on the button, too
    page.click("#jam-records-room")
    expect(papers).to_contain_text("没纸，还会卡纸", timeout=30_000)
    tray = json.loads((office.printer.folder / "tray.json").read_text("ascii"))
    assert (tray["paper_until"], tray["jam_at"]) == (0, 0)
    page.click("#tray-records-room")
    page.wait_for_selector("#tray-records-room[value=out]")
    page.click("#jam-records-room")
    expect(page.locator("#jam-records-room")).to_have_text("让它卡纸", timeout=30_000)
    tray = json.loads((office.printer.folder / "tray.json").read_text("ascii"))
    assert (tray["paper_until"], tray["jam_at"]) == (None, None)


def test_machines_that_do_not_run_are_told_in_words(page: Page) -> None:
    assert page.locator(".machine[data-state=gone]").count() == 2
    assert page.locator(".machine", has_text="这台机器没有开着").count() == 2


def test_the_clock_goes_by_the_hospital_s_zone(browser: Browser, landing: Landing) -> None:
    context = browser.new_context(timezone_id="America/Lima", locale="en-US")
    far = context.new_page()
    far.goto(landing.url)
    told = far.locator("[data-clock]")
    at = datetime.fromisoformat(str(told.get_attribute("datetime")))
    now = datetime.now(ZoneInfo("Asia/Shanghai"))
    assert at.utcoffset() == now.utcoffset() and abs(now - at) < timedelta(minutes=5)
    expect(told).not_to_have_text(told.inner_text(), timeout=90_000)
    hour = int(told.inner_text()[:2])
    assert hour in {now.hour, (now.hour + 1) % 24}
    context.close()


def test_without_script_a_switch_still_switches(browser: Browser, landing: Landing, stage: Stage) -> None:
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(landing.url)
    plain.click("#line-courier-1-slow")
    assert plain.url.endswith("#lines") and stage.relay.line("courier-1").mode == "slow"
    plain.click("#line-courier-1-up")
    assert stage.relay.line("courier-1").mode == "up"
    context.close()
