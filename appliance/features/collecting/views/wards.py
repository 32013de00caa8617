"""Before the first scan: which ward, what waits there, and the rounds of today."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, make_response, redirect, render_template

from appliance.features.collecting.due import DueLists
from appliance.features.collecting.service import Collecting
from appliance.web.asking import asker, form_text
from kiosk_ui.kit.rights import needs
from sync.domain.tracking.rounds import HANDED_OVER
from sync.kernel.outcome import Refused


def make_wards(collecting: Collecting, lists: DueLists, names: Callable[[], dict[str, str]]) -> Blueprint:
    views = Blueprint("wards", __name__)

    @views.get("/collect")
    @needs("collect.scan")
    def choose() -> str:
        me = asker().user_id
        unfinished = {row.ward for row in collecting.rounds_since(me, 0) if row.status != HANDED_OVER}
        hand = collecting.scanner.hand
        other = names().get(hand.courier, hand.courier) if hand is not None and hand.courier != me else ""
        at = hand.ward if hand is not None and not other else ""
        return render_template(
            "collecting/wards.html", wards=lists.wards(), unfinished=unfinished, at=at, other=other
        )  # fmt: skip

    @views.get("/collect/wards/<ward>")
    @needs("collect.scan")
    def due(ward: str) -> Any:
        if not lists.carries(ward):
            return Refused("round.no-list"), 404
        hand = collecting.scanner.hand
        at_hand = hand is not None and (hand.ward, hand.courier) == (ward, asker().user_id)
        return render_template("collecting/due.html", one=lists.ward(ward), at_hand=at_hand)

    @views.post("/collect/tick")
    @needs("collect.scan")
    def tick() -> Any:
        taken = collecting.tick(form_text("stay", 40), asker().user_id)
        if isinstance(taken, Refused) or taken.refused is not None:
            return taken if isinstance(taken, Refused) else taken.refused
        return make_response(redirect("/collect/scan", 303))

    @views.post("/collect/wards/<ward>/open")
    @needs("collect.scan")
    def begin(ward: str) -> Any:
        if not lists.carries(ward):
            return Refused("round.no-list"), 404
        key = collecting.open_round(ward, asker().user_id)
        if isinstance(key, Refused):
            return key
        collecting.scanner.clear()
        return make_response(redirect("/collect/scan", 303))

    @views.get("/collect/rounds")
    @needs("collect.scan")
    def rounds() -> str:
        told = []
        for row in collecting.rounds_since(asker().user_id, lists.day_start_ms()):
            found = collecting.round(row.key)
            scans = [scan for scan in found[1] if scan.counts] if found else []
            told.append((row, len(scans), sum(1 for scan in scans if scan.acked), lists.ward_of(row.ward)))
        return render_template("collecting/rounds.html", rounds=told)

    return views
