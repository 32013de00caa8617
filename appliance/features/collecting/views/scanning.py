"""The scan page: the newest verdict, the count, the rows; and what may be said to a warning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request

from appliance.features.collecting.due import DueLists, WardDue
from appliance.features.collecting.scan import Verdict
from appliance.features.collecting.service import Collecting
from appliance.features.collecting.store import RoundRow, TakenRow
from appliance.store.site import WardRow
from appliance.web.asking import asker, form_fact, form_text, members
from kiosk_ui.kit.problems import sentence
from kiosk_ui.kit.rights import needs
from sync.domain.tracking import words
from sync.kernel.outcome import Refused

BEADS_MAX = 28
ROWS = 30


@dataclass(frozen=True, slots=True)
class Scene:
    """What the scan page shows at one moment. `pending`: warned records nobody has explained yet."""

    row: RoundRow
    ward: WardDue
    scans: tuple[TakenRow, ...]
    last: Verdict | None
    last_ward: WardRow | None
    refusal: str
    days: int | None
    asks: bool
    left: int
    left_late: int

    @property
    def pending(self) -> tuple[TakenRow, ...]:
        return tuple(scan for scan in self.scans if scan.verdict in words.REASONS and scan.reason is None)

    @property
    def here(self) -> tuple[TakenRow, ...]:
        """Records of this ward: they count towards what the list expects."""
        return tuple(scan for scan in self.scans if scan.home_ward == self.row.ward)

    @property
    def expected(self) -> int:
        return self.left + len(self.here)

    @property
    def beads(self) -> list[str] | None:
        """One mark a record, while they fit."""
        if len(self.scans) + self.left > BEADS_MAX:
            return None
        return ["ack" if scan.acked else "held" for scan in self.scans] + ["todo"] * self.left

    @property
    def rows(self) -> list[tuple[int, TakenRow]]:
        """Newest first, each with its place in the round."""
        return list(enumerate(self.scans, 1))[::-1][:ROWS]


def scene_of(collecting: Collecting, lists: DueLists, me: str) -> Scene | None:
    """None where this person is in no round on this hand-held."""
    hand = collecting.scanner.hand
    found = collecting.round(hand.round_key) if hand is not None and hand.courier == me else None
    if found is None:
        return None
    row, taken = found
    ward, last = lists.ward(row.ward), collecting.scanner.last
    scans = tuple(scan for scan in taken if scan.counts)
    if last is not None and last.fact is not None and all(scan.fact != last.fact for scan in scans):
        last = None
    answered = {scan.fact for scan in scans if scan.reason is not None}
    return Scene(
        row,
        ward,
        scans,
        last,
        lists.ward_of(last.ward) if last is not None and last.ward else None,
        sentence(last.refused.code, last.refused.fields) if last is not None and last.refused is not None else "",
        lists.days_since(last.discharged_on) if last is not None and last.discharged_on else None,
        last is not None and last.fact is not None and bool(last.reasons) and last.fact not in answered,
        len(ward.records),
        ward.late,
    )


def make_scanning(collecting: Collecting, lists: DueLists, take: Callable[[str, str], None]) -> Blueprint:
    views = Blueprint("scanning", __name__)

    @views.get("/collect/scan")
    @needs("collect.scan")
    def page() -> Any:
        scene = scene_of(collecting, lists, asker().user_id)
        return _to("/collect") if scene is None else render_template("collecting/scan.html", scene=scene)

    @views.get("/collect/live")
    @needs("collect.scan")
    def live() -> Any:
        scene = scene_of(collecting, lists, asker().user_id)
        return _gone() if scene is None else render_template("collecting/live.html", scene=scene)

    @views.post("/collect/wedge")
    @needs("collect.scan")
    def wedge() -> Any:
        """A code that came through the keyboard; the event stream brings the verdict, as for any gun."""
        code = members({"code": str}, {"took_ms": int})["code"]
        hand = collecting.scanner.hand
        if hand is None or hand.courier != asker().user_id:
            return Refused("scan.no-round")
        take(code, "keyboard")
        return ""

    @views.post("/collect/undo")
    @needs("collect.undo")
    def undo() -> Any:
        undone = collecting.undo_last(asker().user_id)
        if isinstance(undone, Refused):
            return undone
        collecting.scanner.clear()
        return _to("/collect/scan")

    @views.post("/collect/reason")
    @needs("collect.scan")
    def reason() -> Any:
        refused = collecting.give_reason(form_text("stay"), form_fact(), form_text("reason"), None, asker().user_id)
        return refused or _to(_back())

    @views.post("/collect/put-back")
    @needs("collect.undo")
    def put_back() -> Any:
        refused = collecting.put_back(form_text("stay"), form_fact(), asker().user_id)
        return refused or _to(_back())

    @views.post("/collect/choose")
    @needs("collect.scan")
    def choose() -> Any:
        taken = collecting.choose(form_text("code"), form_text("stay"), asker().user_id)
        return taken if isinstance(taken, Refused) else _to("/collect/scan")

    @views.get("/collect/pending")
    @needs("collect.scan")
    def pending() -> Any:
        scene = scene_of(collecting, lists, asker().user_id)
        if scene is None or not scene.pending:
            return _to("/collect/scan")
        return render_template("collecting/pending.html", scene=scene)

    return views


def _back() -> str:
    return "/collect/pending" if request.form.get("from") == "pending" else "/collect/scan"


def _to(path: str) -> Response:
    return make_response(redirect(path, 303))


def _gone() -> Response:
    """The round ended elsewhere: the page goes back to the choice of wards."""
    answer = make_response("", 204)
    answer.headers["X-Way-Leave"] = "/collect"
    return answer
