"""Every person's screen, in both languages, whatever the line does: one scan is durable and shown, and nothing lies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser

from kiosk_ui.kit.screens.mask import group4
from provisioning.demo import town
from provisioning.demo.landing.triggers import Pile
from provisioning.demo.landing.watcher import sent
from provisioning.demo.relay import Mode
from provisioning.demo.stage import ZONE, Stage
from tests.browser.hospital import WARD, Hospital, eventually
from tests.browser.windows import Window

SENTENCE = {
    "up": {"zh": "线路畅通", "en": "Line up"},
    "silent": {"zh": "中心没有回音，本机照常工作", "en": "No answer from the centre. This machine keeps working"},
    "cut": {"zh": "网络中断，本机照常工作", "en": "Line down. This machine keeps working"},
}
VERDICT = {
    "wrong_ward": {"zh": "不是本病区", "en": "Other ward"},
    "duplicate": {"zh": "刚才扫过了", "en": "Scanned just now"},
    "unknown": {"zh": "名单里没有", "en": "Not on the list"},
    "not_discharged": {"zh": "还没出院", "en": "Not discharged"},
}
STANDS_STILL = {"zh": "这一页停在刚才", "en": "This page stands still"}


@dataclass(frozen=True)
class Trouble:
    """What happens to the line, what the strip then says, and whether the hub's own pages can still be asked."""

    name: str
    begin: Callable[[Hospital], None]
    end: Callable[[Hospital], None]
    strip: str
    hub_answers: bool = True


def switch(mode: Mode) -> Callable[[Hospital], None]:
    def all_lines(hospital: Hospital) -> None:
        for station in hospital.stage.stations:
            hospital.stage.relay.set_mode(station.name, mode)

    return all_lines


def start_hub(hospital: Hospital) -> None:
    hospital.stage.hub_state = hospital.stage.hub.start()


TROUBLES = [
    Trouble("up", switch("up"), switch("up"), "up"),
    Trouble("silent", switch("silent"), switch("up"), "silent"),
    Trouble("refused", switch("refused"), switch("up"), "cut"),
    Trouble("hub hangs", lambda h: h.stage.hub.pause(), lambda h: h.stage.hub.resume(), "silent", False),
    Trouble("hub stopped", lambda h: h.stage.hub.stop(), start_hub, "cut", False),
]


@pytest.fixture(scope="module")
def hospital(stage: Stage, chromium: Browser) -> Iterator[Hospital]:
    made = Hospital(stage, chromium)
    made.open()
    for window in made.windows:
        window.keep()
    yield made
    for window in made.windows:
        window.page.context.close()


@pytest.fixture
def trouble(request: pytest.FixtureRequest, hospital: Hospital) -> Iterator[Trouble]:
    chosen: Trouble = request.param
    eventually(lambda: settled(hospital), "a quiet hospital to begin with")
    try:
        chosen.begin(hospital)
        yield chosen
    finally:
        chosen.end(hospital)


def settled(hospital: Hospital) -> bool:
    """Nothing waits anywhere, the hub has counted it, and every box's strip says so."""
    boxes = all(hospital.books(name)[2] == 0 for name in ("courier-1", "courier-2", "records-room"))
    return (
        boxes
        and hospital.at_hub() == expected_at_hub(hospital)
        and all(strip_of(window) == "up" for window in [*hospital.hands, *hospital.rooms])
    )


def strip_of(window: Window) -> Any:
    return window.page.locator("#strip").get_attribute("data-state")


def scan_one(hospital: Hospital) -> None:
    """The courier's gun reads a due record: kept by the hand-held and shown on each of its windows."""
    key = hospital.due.pop()
    hospital.stage.station("courier-1").gun.scan(f"{town.PREFIX}{key}")
    shown = group4(key.partition("-")[0])
    for window in hospital.hands:
        window.wait(f'[data-verdict="good"] .scan-number:has-text("{shown}")')
    eventually(lambda: key in hospital.courier.counting(), "the scan in the hand-held's own book")


def receive_one(hospital: Hospital) -> None:
    """The room's gun reads a record that was brought."""
    key = hospital.brought.pop()
    hospital.stage.station("records-room").gun.scan(f"{town.PREFIX}{key}")
    shown = group4(key.partition("-")[0])
    for window in hospital.rooms:
        window.wait(f'[data-verdict="received"] .scan-number:has-text("{shown}")')
    records = hospital.room.get(f"/api/v1/handins/{hospital.handin}")["records"]
    assert [row["received_at_ms"] is not None for row in records if row["key"] == key] == [True]


def number_on(window: Window, selector: str) -> int:
    return int(window.page.locator(selector).first.inner_text().replace(",", ""))


def chip_on(window: Window) -> tuple[int, int, int]:
    """The ledger as the strip shows it: produced, received, waiting."""
    terms = [
        window.page.locator(f"#strip .t-{term} b").all_inner_texts() for term in ("produced", "received", "waiting")
    ]
    produced, received, waiting = (int(term[0].replace(",", "")) if term else 0 for term in terms)
    return produced, received, waiting


def check_strips(hospital: Hospital, trouble: Trouble) -> None:
    for window in [*hospital.hands, *hospital.rooms]:
        window.wait(f'#strip[data-state="{trouble.strip}"]')
        assert window.says().startswith(SENTENCE[trouble.strip][window.lang])
        assert window.grey() == (trouble.strip != "up")


def check_counts(hospital: Hospital, trouble: Trouble) -> None:
    """Big numbers and ledgers on each window are those that the boxes themselves tell."""
    for windows, name, count in (
        (hospital.hands, "courier-1", hospital.collected_here),
        (hospital.rooms, "records-room", hospital.received_here),
    ):
        for window in windows:
            eventually(lambda w=window, n=count: number_on(w, ".big-number b") == n(), "the big number")  # type: ignore[misc]
            eventually(lambda w=window, n=name: chip_on(w) == hospital.books(n), "the ledger on the strip")  # type: ignore[misc]
        produced, received, waiting = hospital.books(name)
        assert produced == received + waiting
        assert (waiting == 0) or trouble.strip != "up"


def check_hub(hospital: Hospital, trouble: Trouble, before: tuple[int, int]) -> None:
    """The centre shows what it knows; with the line gone that is what it knew before."""
    for window in hospital.hubs:
        if not trouble.hub_answers:
            window.wait(f"#stale-note:has-text('{STANDS_STILL[window.lang]}')")
            assert window.page.locator("#stale-note").is_visible()
        elif trouble.strip != "up":
            assert hospital.at_hub() == before == board_on(window)
        else:
            check_board(hospital, window)


def board_on(window: Window) -> tuple[int, int]:
    """Collected and on the way, in the room: as the hub's page shows it."""
    figures = window.page.locator("#board .figure b").all_inner_texts()
    return int(figures[2].replace(",", "")), int(figures[3].replace(",", ""))


def check_board(hospital: Hospital, window: Window) -> None:
    eventually(lambda: board_on(window) == hospital.at_hub() == expected_at_hub(hospital), "the hub's page is right")


def expected_at_hub(hospital: Hospital) -> tuple[int, int]:
    received = hospital.received_here()
    brought = len(hospital.brought) + received
    return hospital.collected_here() + brought - received, received


@pytest.mark.row("F10.4")
@pytest.mark.row("F10.17")
@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda each: each.name, indirect=True)
def test_work_goes_on_and_every_screen_says_what_is(hospital: Hospital, trouble: Trouble) -> None:
    before = hospital.at_hub() if trouble.hub_answers else (0, 0)
    scan_one(hospital)
    receive_one(hospital)
    check_strips(hospital, trouble)
    scan_one(hospital)
    check_counts(hospital, trouble)
    check_hub(hospital, trouble, before)
    assert all(window.kept() for window in hospital.windows), "a page was loaded anew"
    boxes = [*hospital.hands, *hospital.rooms]
    asked = hospital.windows if trouble.hub_answers else boxes
    assert [(window.lang, found) for window in asked for found in window.violations()] == []
    assert [window.foreign + window.faults for window in hospital.windows if window.foreign or window.faults] == []


@pytest.mark.row("F10.14")
def test_with_the_line_back_the_hub_s_open_pages_count_every_record_once(hospital: Hospital) -> None:
    """They find the hub again by themselves, where it was."""
    eventually(lambda: settled(hospital), "everything delivered")
    for window in hospital.hubs:
        assert window.home == hospital.stage.hub_state["base_url"]
        window.page.wait_for_selector("#stale-note", state="hidden")
        check_board(hospital, window)
        assert window.kept()


HAND_PAGES = (
    "/collect", "/collect/wards/W03", "/collect/hand", "/collect/backfill", "/collect/handover",
    "/collect/rounds", "/rebuild", "/devices", "/paper", "/status", "/collect/scan",
)  # fmt: skip
ROOM_PAGES = ("/receive?do=hand", "/receive?do=label", "/rebuild", "/devices", "/paper", "/status", "/receive")
HUB_PAGES = ("/", "/imports", "/questions", "/machines", "/statistics", "/calendar", "/people", "/records")


@pytest.mark.parametrize(
    ("who", "paths"),
    [("hands", HAND_PAGES), ("rooms", ROOM_PAGES), ("hubs", HUB_PAGES)],
    ids=["courier", "room", "hub"],
)
def test_every_main_screen_is_readable_by_everyone(hospital: Hospital, who: str, paths: tuple[str, ...]) -> None:
    for window in getattr(hospital, who):
        wide = "document.documentElement.scrollWidth <= innerWidth"
        for path in paths:
            window.go(path)
            assert (path, window.violations()) == (path, [])
            assert window.page.evaluate(wide), f"{path} is wider than its screen"
            assert window.page.locator("html").get_attribute("data-lang") == window.lang
        assert window.foreign == [] and window.faults == []


def test_a_record_s_journey_is_readable_by_everyone(hospital: Hospital) -> None:
    for window in hospital.hubs:
        window.go("/records?state=received")
        window.page.click("#found tbody th a")
        window.wait(".journey")
        assert window.violations() == []


@pytest.mark.row("F10.5")
@pytest.mark.parametrize("kind", ["stray", "again", "unknown", "in-house"])
def test_every_verdict_stands_on_the_panel_with_its_words(hospital: Hospital, kind: str) -> None:
    verdict = {"stray": "wrong_ward", "again": "duplicate", "unknown": "unknown", "in-house": "not_discharged"}[kind]
    gun = hospital.stage.station("courier-1").gun
    patients = town.discharges(hospital.stage.seed, datetime.now(ZoneInfo(ZONE)).date())
    code = Pile(patients, sent(hospital.stage.station("courier-1")), []).next_code(kind, WARD)
    gun.scan(str(code))
    for window in hospital.hands:
        window.wait(f'[data-part="panel"] [data-verdict="{verdict}"]')
        assert window.page.locator(".scan-verdict").inner_text() == VERDICT[verdict][window.lang]
        assert window.violations() == []


def test_a_scan_is_undone_with_one_key(hospital: Hospital) -> None:
    scan_one(hospital)
    counted = hospital.collected_here()
    hospital.hands[1].page.keyboard.press("Escape")
    hospital.hands[1].wait('[data-part="panel"] [data-verdict="idle"]')
    assert hospital.collected_here() == counted - 1
