"""The courier's day as a script: every step acts as a person would, and waits for what that person would see.

Order: lists loaded, line silent, two couriers collect, one is killed and comes back, paper runs out, the other one's
hand-held is lost and read back from its receipts, line back, the lost one found, hand-in with differences, settled.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from hardware.drivers.picture_codes import read_picture
from hardware.twins.escpos_printer import EscposPrinterTwin
from provisioning.demo import town
from provisioning.demo.courier import Courier
from provisioning.demo.office import NAME as OFFICE
from provisioning.demo.stage import Stage, wait_for
from provisioning.making.client import HubClient
from sync.kernel.outcome import Unavailable

Say = Callable[[str], None]
RECORDS = 400
WRONG_WARD, DUPLICATES, UNDONE, BACKFILLED = 12, 9, 5, 3
SHOWN_WITHIN_S = 50.0
"""Ten times the five seconds that are aimed at; what it took is reported."""


@dataclass
class Played:
    """What happened, in numbers a person can check."""

    figures: dict[str, Any] = field(default_factory=dict)
    scanned: set[str] = field(default_factory=set)
    twice: str = ""
    undone: set[str] = field(default_factory=set)


class CourierDay:
    """One scripted day on a stage."""

    def __init__(self, stage: Stage, seed: int, say: Say) -> None:
        self._stage = stage
        self._rng = random.Random(f"day {seed}")
        self._say = say
        self._hub = stage.admin()
        staff = {person.user: person for person in town.people()}
        self._first = Courier(stage.station("courier-1"), staff["u-luo"])
        self._second = Courier(stage.station("courier-2"), staff["u-xu"])
        self._clerk = staff["u-wen"]
        self._piles: dict[str, list[str]] = {}
        self.played = Played()

    def play(self) -> Played:
        self._load_lists()
        self._all_lines("silent")
        self._collect()
        self._lose_and_rebuild()
        self._line_back()
        self._found_again()
        self._hand_in()
        self._office_paper()
        self._settle()
        self._quiet()
        return self.played

    def _all_lines(self, mode: Any) -> None:
        for station in self._stage.stations:
            self._stage.relay.set_mode(station.name, mode)

    def _load_lists(self) -> None:
        self._say("07:30 the couriers load their lists")
        for courier in (self._first, self._second):
            wait_for(partial(self._can_sign_in, courier), 60, "badges on the hand-held")
            for ward in courier.station.wards:
                wait_for(partial(self._has_list, courier, ward), 60, "the ward's list")
        for ward, _, _ in town.WARDS:
            courier = self._first if ward in self._first.station.wards[:3] else self._second
            keys = [row["key"] for row in courier.due(ward)]
            self._rng.shuffle(keys)
            self._piles[ward] = keys

    def _can_sign_in(self, courier: Courier) -> bool:
        try:
            courier.sign_in()
        except Unavailable:
            return False
        return True

    def _has_list(self, courier: Courier, ward: str) -> bool:
        return len(courier.due(ward)) >= 70

    def _collect(self) -> None:
        self._say("09:20 the line goes silent; two couriers collect on six wards")
        wards = [code for code, _, _ in town.WARDS]
        share = {ward: self._take(ward, n) for ward, n in zip(wards, (67, 67, 66, 67, 67, 66), strict=True)}
        strays = {"W01": share["W03"][:6], "W12": share["W15"][:6]}
        share["W03"], share["W15"] = share["W03"][6:], share["W15"][6:]
        backfills = {"W07": [share["W07"].pop() for _ in range(BACKFILLED)]}
        began = time.monotonic()
        for courier, round_wards in ((self._first, wards[:3]), (self._second, wards[3:])):
            for ward in round_wards:
                self._one_round(courier, ward, share[ward], strays.get(ward, []), backfills.get(ward, []))
        spent = time.monotonic() - began
        taken = self._first.taken | self._second.taken
        assert len(taken) == RECORDS, len(taken)
        self.played.figures.update(records=len(taken), wards=len(wards), collecting_s=round(spent, 1))

    def _take(self, ward: str, n: int) -> list[str]:
        pile = self._piles[ward]
        taken, self._piles[ward] = pile[:n], pile[n:]
        return taken

    def _one_round(self, courier: Courier, ward: str, keys: list[str], strays: list[str], late: list[str]) -> None:
        courier.begin(ward)
        half = len(keys) // 2
        courier.scan(keys[:half])
        if ward == "W03":
            self._killed(courier, keys[half:])
        else:
            courier.scan(keys[half:])
        if strays:
            courier.scan(strays)
            courier.answer_warnings()
        if ward in ("W01", "W12", "W15"):
            before = len(courier.counting())
            for key in keys[:3]:
                courier.station.gun.scan(f"{town.PREFIX}{key}")
            courier.scan(keys[:1])
            assert len(courier.counting()) == before, "a duplicate counts nothing"
        for _ in range({"W01": 2, "W12": 2, "W21": 1}.get(ward, 0)):
            key = self._piles[ward].pop()
            courier.undo(key)
            self.played.undone.add(key)
        for key in late:
            courier.backfill(key, int(time.time() * 1000) - 3_600_000)
        if ward == "W07":
            self.played.twice = keys[0]
        if ward == "W12":
            courier.scan([self.played.twice])
            courier.answer_warnings()
            courier.taken.discard(self.played.twice)
        if ward == "W03":
            self._out_of_paper(courier)
        counts = courier.hand_over()
        self.played.figures.setdefault("hand_overs", []).append({"ward": ward, **{k: counts[k] for k in
                                                                ("expected", "scanned", "by_hand")}})  # fmt: skip

    def _killed(self, courier: Courier, rest: list[str]) -> None:
        self._say("09:31 a hand-held dies in mid-round and is switched on again")
        courier.scan(rest[: len(rest) // 2], wait=False)
        courier.station.process.kill()
        began = time.monotonic()
        courier.restart()
        self.played.figures["back_after_kill_s"] = round(time.monotonic() - began, 2)
        self.played.figures["doubts_asked"] = courier.settle_doubts()
        courier.scan_until_heard(rest)

    def _out_of_paper(self, courier: Courier) -> None:
        self._say("09:40 the belt printer has no paper; collecting goes on")
        assert courier.station.printer is not None
        courier.station.printer.paper_out()

    def _lose_and_rebuild(self) -> None:
        first, second = self._first, self._second
        assert first.station.printer is not None and second.station.printer is not None
        first.station.printer.load_paper()
        for courier in (first, second):
            printer = courier.station.printer
            wait_for(partial(_slips_out, printer, 3), 60, "three receipts")
        self._say("10:30 a hand-held is lost; its batch comes back from the receipts on the wards")
        second.station.process.kill()
        found = 0
        for n, slip in enumerate(second.station.printer.slips):
            png = (second.station.directory / "slips" / slip["png"]).read_bytes()
            if n == 0:
                told = first.client.post("/api/v1/rebuild", data=png, content_type="image/png")["rebuilt"]
            else:
                codes = read_picture(png)
                self._rng.shuffle(codes)
                told = [
                    one for code in codes for one in first.client.post("/api/v1/rebuild", {"code": code})["rebuilt"]
                ]
            found += sum(int(each["new"]) for each in told)
        self.played.figures["rebuilt"] = found

    def _line_back(self) -> None:
        self._say("11:30 the line is back")
        for name in ("records-room", "courier-1"):
            self._stage.relay.set_mode(name, "up")
        took = wait_for(lambda: self._at_hub() >= RECORDS, SHOWN_WITHIN_S, "all records at the hub")
        self.played.figures["hub_shows_all_s"] = round(took, 2)

    def _at_hub(self) -> int:
        counts = self._hub.get("/api/v1/stays")["counts"]
        return int(counts.get("collected", 0)) + int(counts.get("received", 0))

    def _found_again(self) -> None:
        self._say("11:45 the lost hand-held is found and delivers late")
        self._stage.relay.set_mode("courier-2", "up")
        self._second.restart()
        wait_for(partial(self._delivered, self._second.client), 60, "the found one has delivered")
        assert self._at_hub() == RECORDS, "late originals count once with their rebuilt twins"

    def _delivered(self, client: HubClient) -> bool:
        return int(client.get("/api/v1/status")["ledger"]["waiting"]) == 0

    def _hand_in(self) -> None:
        self._say("14:00 hand-in at the records room, with four differences")
        station = self._stage.station("records-room")
        room = HubClient(station.base_url)
        room.sign_in({"badge": self._clerk.badge, "pin": self._clerk.pin})
        wait_for(lambda: len(room.get("/api/v1/handins")["waiting"]) >= 6, 60, "the rounds in the records room")
        strangers = [self._piles["W01"].pop(), self._piles["W12"].pop()]
        for courier, missing, extra in ((self._first, 2, strangers), (self._second, 0, [])):
            user = courier.person.user
            rounds = [r["key"] for r in room.get("/api/v1/handins")["waiting"] if r["courier"] == user]
            handin = room.post("/api/v1/handins", {"courier": user, "rounds": rounds})["handin"]
            keys = sorted(courier.taken)
            self._rng.shuffle(keys)
            wait_for(partial(self._reached, room, handin, "taken_at_ms", len(keys)), 60, "the batch")
            for key in keys[missing:] + extra:
                station.gun.scan(f"{town.PREFIX}{key}")
            want = len(keys) - missing + len(extra)
            wait_for(partial(self._reached, room, handin, "received_at_ms", want), 120, "the counter")
            self.played.figures.setdefault("hand_ins", []).append(room.post(f"/api/v1/handins/{handin}/close"))
        assert station.label_printer is not None
        labels = RECORDS - 2 + len(strangers)
        station.label_printer.wait_labels(labels, 120)
        self.played.figures["labels"] = len(station.label_printer.labels)

    def _office_paper(self) -> None:
        """A page is ordered while the tray is empty; it comes out once somebody has filled it."""
        station = self._stage.station("records-room")
        if station.office is None:
            return
        self._say("14:40 the office printer has no paper when a page is wanted; it comes out when there is some")
        printer = station.office.printer
        room = HubClient(station.base_url)
        room.sign_in({"badge": self._clerk.badge, "pin": self._clerk.pin})
        printer.paper_out()
        began = time.monotonic()
        job = room.post("/api/v1/paper/trial", {"printer": OFFICE})["job"]
        wait_for(lambda: room.get(f"/api/v1/paper/{job}")["state"] == "sent", 60, "the page at the print server")
        printer.load_paper()
        wait_for(lambda: room.get(f"/api/v1/paper/{job}")["state"] != "sent", 60, "the page")
        self.played.figures["office_page"] = room.get(f"/api/v1/paper/{job}")["state"]
        self.played.figures["office_page_s"] = round(time.monotonic() - began, 2)

    def _reached(self, room: HubClient, handin: str, field: str, n: int) -> bool:
        return len([r for r in room.get(f"/api/v1/handins/{handin}")["records"] if r[field]]) >= n

    def _settle(self) -> None:
        self._say("15:00 what did not fit is settled at the hub")
        wait_for(lambda: len(self._open()) >= 5, 60, "four differences and one record with two couriers")
        outcome = {"room.missing": "found", "room.extra": "accepted-extra", "collected.twice": "kept-first"}
        seen: dict[str, int] = {}
        for anomaly in self._open():
            seen[anomaly["code"]] = seen.get(anomaly["code"], 0) + 1
            said = {"outcome": outcome.get(anomaly["code"], "kept"), "note": "demo"}
            self._hub.post(f"/api/v1/anomalies/{anomaly['id']}/settle", said)
        wait_for(lambda: not self._open(), 60, "nothing is left to settle")
        self.played.figures["settled"] = seen

    def _open(self) -> list[dict[str, Any]]:
        return [a for a in self._hub.get("/api/v1/anomalies")["anomalies"] if not a.get("settled")]

    def _quiet(self) -> None:
        """Every box has delivered everything before the judge looks."""
        for station in self._stage.stations:
            client = HubClient(station.base_url)
            person = (
                self._clerk
                if station.role == "records"
                else (self._first.person if station is self._first.station else self._second.person)
            )
            client.sign_in({"badge": person.badge, "pin": person.pin})
            wait_for(partial(self._delivered, client), 60, "an empty outbox")


def _slips_out(printer: EscposPrinterTwin | None, n: int) -> bool:
    return printer is not None and sum(slip["complete"] for slip in printer.slips) >= n
