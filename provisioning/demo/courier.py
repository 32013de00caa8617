"""A courier as the demo plays one: a gun in one hand, the hand-held's API for everything a finger does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from provisioning.demo import town
from provisioning.demo.stage import Station, wait_for
from provisioning.making.client import HubClient
from sync.domain.tracking import words
from sync.kernel.outcome import Unavailable

SCAN_S = 30.0
LOOK_S = 2.0


@dataclass
class Courier:
    """One person on one hand-held. `taken`: stay keys that the hand-held has said yes to and that still count."""

    station: Station
    person: town.Person
    client: HubClient = field(init=False)
    round: str = ""
    ward: str = ""
    taken: set[str] = field(default_factory=set)

    def sign_in(self) -> None:
        self.client = HubClient(self.station.base_url)
        self.client.sign_in({"badge": self.person.badge, "pin": self.person.pin})
        assert self.station.gun.wait_connected(), "the gun is not plugged in"

    def begin(self, ward: str) -> None:
        """Start a round at a ward; raises TimeoutError when its list never comes."""
        self.ward = ward
        self.round = str(self.client.post("/api/v1/rounds", {"ward": ward})["round"])

    def due(self, ward: str) -> list[dict[str, Any]]:
        """The ward's list; empty as long as it has never been here."""
        try:
            return list(self.client.get("/api/v1/due", ward=ward)["records"])
        except Unavailable:
            return []

    def scan(self, keys: list[str], *, wait: bool = True) -> None:
        """Pull the trigger once a record; the whole pile is through when each one counts."""
        for key in keys:
            self.station.gun.scan(f"{town.PREFIX}{key}")
        if wait:
            wait_for(lambda: set(keys) <= self.counting(), SCAN_S, f"{len(keys)} scans on {self.station.name}")
            self.taken |= set(keys)

    def scan_until_heard(self, keys: list[str]) -> None:
        """After a power cut: whatever made no sound before it is scanned again."""
        silent = [key for key in keys if key not in self.counting()]
        self.scan(silent)
        self.taken |= set(keys)

    def rows(self) -> list[dict[str, Any]]:
        return list(self.client.get(f"/api/v1/rounds/{self.round}")["records"])

    def counting(self) -> set[str]:
        return {row["key"] for row in self.rows() if row["counts"]}

    def undo(self, key: str) -> None:
        """Scan one and put it back with one key."""
        self.scan([key])
        self.client.post("/api/v1/scans/undo")
        wait_for(lambda: key not in self.counting(), SCAN_S, "the undo")
        self.taken.discard(key)

    def answer_warnings(self) -> int:
        """Give the first reason that fits to every warning of this round that has none."""
        given = 0
        for row in self.rows():
            answers = words.REASONS.get(row["verdict"], ())
            if row["counts"] and answers and not row["reason"]:
                told = {"stay": row["key"], "fact": row["fact"], "reason": answers[0]}
                self.client.post("/api/v1/scans/reason", told)
                given += 1
        return given

    def backfill(self, key: str, at_ms: int) -> None:
        self.client.post("/api/v1/scans/backfill", {"code": f"{town.PREFIX}{key}", "at_ms": at_ms})
        self.taken.add(key)

    def hand_over(self) -> dict[str, Any]:
        """Count the pile, let the ward nurse hold her badge to the gun. Returns the three counts as they stood."""
        self.client.post(f"/api/v1/rounds/{self.round}/count", {"by_hand": len(self.counting())})
        counts = dict(self.client.get(f"/api/v1/rounds/{self.round}/counts"))
        nurse = next(p for p in town.people() if p.ward == self.ward)
        self.station.gun.scan(nurse.badge)
        wait_for(self._signed, SCAN_S, "the nurse's badge")
        return counts

    def _signed(self) -> bool:
        return self.client.get(f"/api/v1/rounds/{self.round}")["handed_over_at_ms"] is not None

    def settle_doubts(self) -> int:
        """Look at the printer: what lies there whole is printed, for anything else a marked copy is ordered. Once."""
        assert self.station.printer is not None
        doubts = self.client.get("/api/v1/paper")["doubts"]
        for doubt in doubts:
            came_out = self.station.printer.wait_slips(1, LOOK_S)
            self.client.post(f"/api/v1/paper/{doubt['job']}/decide", {"decision": "printed" if came_out else "again"})
        return len(doubts)

    def restart(self) -> None:
        """The process comes back; the courier signs in again and finds the same round."""
        state = self.station.process.start()
        self.station.base_url = state["base_url"]
        self.sign_in()
