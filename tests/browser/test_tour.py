"""The tour: a courier's day walked in the browser, in both languages, one picture a step.

`make tour` writes the pictures to docs/tour/; a test run writes them elsewhere and sees that each of them still shows
about the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from PIL import Image, ImageChops, ImageStat
from playwright.sync_api import Browser

from provisioning.demo import town
from provisioning.demo.courier import Courier
from provisioning.demo.landing import serve
from provisioning.demo.landing.triggers import Pile
from provisioning.demo.landing.watcher import sent
from provisioning.demo.stage import ADMIN, ZONE, Stage
from tests.browser.hospital import LANGS, eventually, signed_in
from tests.browser.windows import HAND, Window, open_window, sign_in_by_badge, sign_in_by_password

TOUR = Path(__file__).parents[2] / "docs" / "tour"
WRITES = os.environ.get("WAYSTATION_TOUR") == "write"
WIDE, WHOLE = (1280, 800), (1440, 1100)
COLOURS = 256
UNLIKE_MAX = 40.0
"""Mean difference of grey levels, of 255, between thumbnails. Times and names differ; another screen differs more."""
PICTURES = (
    "courier-1-sign-in", "courier-2-wards", "courier-3-scan", "courier-4-line-silent", "courier-5-warning",
    "courier-6-receipt", "nurse-1-three-counts", "clerk-1-receive", "clerk-2-difference", "administrator-1-overview",
    "administrator-2-records", "administrator-3-journey",
)  # fmt: skip


def file_of(name: str, lang: str) -> str:
    """The README shows the landing page by a name without a language."""
    return "demo-landing.png" if (name, lang) == ("demo-landing", "en") else f"{name}.{lang}.png"


@dataclass
class Album:
    folder: Path

    def take(self, window: Window, name: str) -> None:
        """A picture of the window as it is, in few colours."""
        path = self.folder / file_of(name, window.lang)
        window.page.screenshot(path=path, animations="disabled", caret="hide")
        with Image.open(path) as shot:
            shot.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Album:
    folder = TOUR if WRITES else tmp_path_factory.mktemp("tour")
    folder.mkdir(exist_ok=True)
    return Album(folder)


@pytest.fixture(scope="module")
def walked(stage: Stage, chromium: Browser, album: Album) -> Iterator[Album]:
    staff = {person.user: person for person in town.people()}
    walk = Walk(stage, chromium, album, Courier(stage.station("courier-1"), staff["u-luo"]))
    try:
        walk.courier_and_nurse()
        walk.clerk(staff["u-wen"])
        walk.administrator()
        walk.landing()
        yield album
    finally:
        for window in walk.windows:
            window.page.context.close()


class Walk:
    """Both languages stand side by side: what one does, the other shows."""

    def __init__(self, stage: Stage, chromium: Browser, album: Album, courier: Courier) -> None:
        self.stage = stage
        self.chromium = chromium
        self.album = album
        self.courier = courier
        self.windows: list[Window] = []

    def open(self, home: str, size: tuple[int, int]) -> list[Window]:
        made = [open_window(self.chromium, home, lang, size) for lang in LANGS]
        self.windows += made
        return made

    def take(self, windows: list[Window], name: str) -> None:
        for window in windows:
            self.album.take(window, name)

    def courier_and_nurse(self) -> None:
        courier, station = self.courier, self.stage.station("courier-1")
        eventually(lambda: signed_in(courier), "the badge")
        eventually(lambda: len(courier.due("W12")) >= 60, "the list")
        hands = self.open(station.base_url, HAND)
        for window in hands:
            window.go("/sign-in")
        self.take(hands, "courier-1-sign-in")
        for window in hands:
            sign_in_by_badge(window, courier.person.badge, courier.person.pin)
        self.take(hands, "courier-2-wards")
        courier.begin("W12")
        keys = [row["key"] for row in courier.due("W12")]
        for window in hands:
            window.go("/collect/scan")
        courier.scan(keys[:6])
        self.scanned(hands, 6)
        self.settle(hands, "up")
        self.take(hands, "courier-3-scan")
        self.stage.relay.set_mode(station.name, "silent")
        courier.scan(keys[6:9])
        self.scanned(hands, 9)
        self.settle(hands, "silent")
        self.take(hands, "courier-4-line-silent")
        patients = town.discharges(self.stage.seed, datetime.now(ZoneInfo(ZONE)).date())
        station.gun.scan(str(Pile(patients, sent(station), []).next_code("stray", "W12")))
        for window in hands:
            window.wait('[data-part="panel"] [data-verdict="wrong_ward"]')
        self.take(hands, "courier-5-warning")
        courier.answer_warnings()
        self.stage.relay.set_mode(station.name, "up")
        courier.client.post(f"/api/v1/rounds/{courier.round}/count", {"by_hand": len(courier.counting())})
        for window in hands:
            window.go("/collect/handover")
        self.settle(hands, "up")
        self.take(hands, "nurse-1-three-counts")
        courier.hand_over()
        assert station.printer is not None and station.printer.wait_slips(1), "no receipt came out"
        for window in hands:
            window.go(f"/collect/rounds/{courier.round}")
        self.take(hands, "courier-6-receipt")

    def clerk(self, person: town.Person) -> None:
        station = self.stage.station("records-room")
        rooms = self.open(station.base_url, WIDE)
        for window in rooms:
            sign_in_by_badge(window, person.badge, person.pin)
        rooms[0].page.click('form.batch-form:has(input[value="u-luo"]) button:has-text("10 份")')
        rooms[0].wait(".batch.selected")  # a gun that is quicker than the page scans into nobody's batch
        assert station.gun.wait_connected()
        keys = sorted(self.courier.counting())
        for key in keys[:-1]:
            station.gun.scan(f"{town.PREFIX}{key}")
        for window in rooms:
            window.go("/receive")
            window.wait('.big-number b:text-is("9")')
        self.settle(rooms, "up")
        self.take(rooms, "clerk-1-receive")
        rooms[0].page.keyboard.press("F9")
        rooms[0].page.click('.confirm button:has-text("1 份")')
        for window in rooms:
            window.go("/receive")
            window.wait(".anomaly")
        self.take(rooms, "clerk-2-difference")

    def administrator(self) -> None:
        hubs = self.open(self.stage.hub_state["base_url"], WIDE)
        for window in hubs:
            sign_in_by_password(window, ADMIN, self.stage.password)
        self.take(hubs, "administrator-1-overview")
        for window in hubs:
            window.go("/records?state=received")
            window.wait("#found tbody tr")
        self.take(hubs, "administrator-2-records")
        for window in hubs:
            window.page.click("#found tbody th a")
            window.wait(".journey")
        self.take(hubs, "administrator-3-journey")

    def landing(self) -> None:
        landing = serve(self.stage, 0)
        try:
            windows = self.open(landing.url, WHOLE)
            for window in windows:
                window.go("/")
                window.wait('.machine[data-state="up"] >> nth=2')
            self.take(windows, "demo-landing")
            assert [window.violations() for window in windows] == [[], []]
        finally:
            landing.close()

    def scanned(self, windows: list[Window], nth: int) -> None:
        for window in windows:
            window.wait(f'[data-part="panel"] [data-verdict="good"] .scan-nth b:text-is("{nth}")')

    def settle(self, windows: list[Window], strip: str) -> None:
        """The line is told as it is, and over an open line nothing waits here any more."""
        for window in windows:
            window.wait(f'#strip[data-state="{strip}"]')
            if strip == "up":
                window.wait('#strip [data-ledger="equal"]')


@pytest.mark.parametrize("name", [*PICTURES, "demo-landing"])
@pytest.mark.parametrize("lang", LANGS)
def test_the_tour_still_shows_what_its_pictures_show(walked: Album, name: str, lang: str) -> None:
    file = file_of(name, lang)
    with Image.open(walked.folder / file) as new, Image.open(TOUR / file) as kept:
        assert new.size == kept.size
        small = [picture.convert("L").resize((48, 48)) for picture in (new, kept)]
    assert ImageStat.Stat(ImageChops.difference(*small)).mean[0] <= UNLIKE_MAX


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("who", ["courier", "nurse", "clerk", "administrator"])
def test_a_tour_page_shows_all_its_pictures(who: str, lang: str) -> None:
    page = (TOUR / f"{who}.{lang}.md").read_text(encoding="utf-8")
    assert [
        f"{name}.{lang}.png" for name in PICTURES if name.startswith(who) and f"({name}.{lang}.png)" not in page
    ] == []
