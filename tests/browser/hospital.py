"""The people of a browser test at their places: windows in both languages, and programs that tell what is true."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import requests
from playwright.sync_api import Browser

from provisioning.demo import town
from provisioning.demo.courier import Courier
from provisioning.demo.landing.machines import read
from provisioning.demo.stage import ADMIN, Stage, wait_for
from provisioning.making.client import HubClient
from sync.kernel.outcome import Unavailable
from tests.browser.windows import HAND, HUB, ROOM, Window, open_window, sign_in_by_badge, sign_in_by_password

LANGS = ("zh", "en")
WARD, OTHER_WARD = "W01", "W21"
BROUGHT = 8
WITHIN_S = 90.0


def eventually(done: Callable[[], bool], what: str) -> None:
    wait_for(done, WITHIN_S, what)


@dataclass
class Hospital:
    """`courier` walks W01 with an open round; `clerk` has a hand-in open that another courier brought."""

    stage: Stage
    browser: Browser
    courier: Courier = field(init=False)
    room: HubClient = field(init=False)
    hub: HubClient = field(init=False)
    hands: list[Window] = field(default_factory=list)
    rooms: list[Window] = field(default_factory=list)
    hubs: list[Window] = field(default_factory=list)
    due: list[str] = field(default_factory=list)
    brought: list[str] = field(default_factory=list)
    handin: str = ""

    def open(self) -> None:
        """Everybody signs in, in both languages; what the clerk will receive is collected first."""
        staff = {person.user: person for person in town.people()}
        first, second = self.stage.station("courier-1"), self.stage.station("courier-2")
        self._bring(Courier(second, staff["u-xu"]))
        self.courier = Courier(first, staff["u-luo"])
        eventually(lambda: signed_in(self.courier), "the courier's badge on the hand-held")
        eventually(lambda: len(self.courier.due(WARD)) >= 60, "the ward's list")
        self.courier.begin(WARD)
        self.due = [row["key"] for row in self.courier.due(WARD)]
        self.hands = [open_window(self.browser, first.base_url, lang, HAND) for lang in LANGS]
        for window in self.hands:
            sign_in_by_badge(window, staff["u-luo"].badge, staff["u-luo"].pin)
            window.go("/collect/scan")
        self._receive(staff["u-wen"])
        self.hub = self.stage.admin()
        self.hubs = [open_window(self.browser, self.stage.hub_state["base_url"], lang, HUB) for lang in LANGS]
        for window in self.hubs:
            sign_in_by_password(window, ADMIN, self.stage.password)
            window.go("/records")

    def _bring(self, courier: Courier) -> None:
        eventually(lambda: signed_in(courier), "the other courier's badge")
        eventually(lambda: len(courier.due(OTHER_WARD)) >= 60, "the other ward's list")
        courier.begin(OTHER_WARD)
        self.brought = [row["key"] for row in courier.due(OTHER_WARD)][:BROUGHT]
        courier.scan(self.brought)
        courier.hand_over()

    def _receive(self, clerk: town.Person) -> None:
        station = self.stage.station("records-room")
        self.room = HubClient(station.base_url)
        eventually(lambda: said_yes(lambda: self.room.sign_in({"badge": clerk.badge, "pin": clerk.pin})), "the clerk")
        assert station.gun.wait_connected(), "the room's gun is not plugged in"
        self.rooms = [open_window(self.browser, station.base_url, lang, ROOM) for lang in LANGS]
        for window in self.rooms:
            sign_in_by_badge(window, clerk.badge, clerk.pin)
        self.rooms[0].page.click(f'form.batch-form:has(input[value="u-xu"]) button:has-text("{BROUGHT} 份")')
        self.rooms[0].wait(".batch.selected")
        self.rooms[1].go("/receive")
        self.handin = str(self.room.get("/api/v1/handins")["at"])

    @property
    def windows(self) -> list[Window]:
        return [*self.hands, *self.rooms, *self.hubs]

    def collected_here(self) -> int:
        """What this courier's round counts of its own ward, by the hand-held's API."""
        return len(self.courier.counting())

    def received_here(self) -> int:
        records = self.room.get(f"/api/v1/handins/{self.handin}")["records"]
        return len([row for row in records if row["received_at_ms"]])

    def books(self, name: str) -> tuple[int, int, int]:
        """Produced, received, waiting, as the box tells any program on this computer."""
        text = requests.get(f"{self.stage.station(name).base_url}/metrics", timeout=30).text
        ledger = read(name, text, 0).ledger
        assert ledger is not None
        return ledger.produced, ledger.received, ledger.waiting

    def at_hub(self) -> tuple[int, int]:
        """Collected and not yet in the room, and in the room, by the hub's API."""
        counts = self.hub.get("/api/v1/stays")["counts"]
        return int(counts.get("collected", 0)), int(counts.get("received", 0))


def signed_in(courier: Courier) -> bool:
    return said_yes(courier.sign_in)


def said_yes(ask: Callable[[], object]) -> bool:
    """False while a node still refuses or does not answer."""
    try:
        ask()
    except Unavailable:
        return False
    return True
