"""What is typed: a number the gun cannot read, a record written up later, a correction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template

from appliance.features.collecting.due import DueLists
from appliance.features.collecting.scan import Verdict
from appliance.features.collecting.service import Collecting
from appliance.features.collecting.store import RoundRow, TakenRow
from appliance.web.asking import asker, form_text
from kiosk_ui.kit import locale
from kiosk_ui.kit.problems import sentence
from kiosk_ui.kit.rights import needs
from sync.kernel.outcome import Refused


def make_entry(collecting: Collecting, lists: DueLists) -> Blueprint:
    views = Blueprint("entry", __name__)

    def in_round() -> bool:
        hand = collecting.scanner.hand
        return hand is not None and hand.courier == asker().user_id

    def scan_of(key: str, n: int) -> tuple[RoundRow, TakenRow] | None:
        found = collecting.round(key)
        if found is None or found[0].courier != asker().user_id:
            return None
        scans = [scan for scan in found[1] if scan.counts]
        return (found[0], scans[n - 1]) if 1 <= n <= len(scans) else None

    @views.get("/collect/hand")
    @needs("collect.scan")
    def hand() -> Any:
        return render_template("collecting/hand.html", number="", error="") if in_round() else _to("/collect")

    @views.post("/collect/hand")
    @needs("collect.scan")
    def enter() -> Any:
        number = form_text("number", 64)
        taken = _refusal(collecting.enter_by_hand("".join(number.split()), form_text("initials"), asker().user_id))
        if taken is None:
            return _to("/collect/scan")
        return render_template("collecting/hand.html", number=number, error=taken), 422

    @views.get("/collect/backfill")
    @needs("collect.backfill")
    def backfill() -> Any:
        if not in_round():
            return _to("/collect")
        now = locale.now()
        return render_template(
            "collecting/backfill.html", number="", on=now.date().isoformat(), at=now.strftime("%H:%M"), error=""
        )

    @views.post("/collect/backfill")
    @needs("collect.backfill")
    def write_up() -> Any:
        number, on, at = form_text("number", 64), form_text("on", 10), form_text("at", 5)
        try:
            when = datetime.fromisoformat(f"{on}T{at}").replace(tzinfo=locale.zone())
            at_ms = int(when.timestamp() * 1000)
        except (ValueError, OverflowError):
            taken: str | None = sentence("backfill.time", {})
        else:
            taken = _refusal(collecting.backfill("".join(number.split()), at_ms, asker().user_id))
        if taken is None:
            return _to("/collect/scan")
        return render_template("collecting/backfill.html", number=number, on=on, at=at, error=taken), 422

    @views.get("/collect/rounds/<key>/<int:n>")
    @needs("collect.scan")
    def record(key: str, n: int) -> Any:
        found = scan_of(key, n)
        if found is None:
            return Refused("correct.gone"), 404
        return render_template("collecting/record.html", row=found[0], scan=found[1], n=n, error="", to="")

    @views.post("/collect/rounds/<key>/<int:n>/correct")
    @needs("collect.scan")
    def correct(key: str, n: int) -> Any:
        found = scan_of(key, n)
        if found is None:
            return Refused("correct.gone"), 404
        row, scan = found
        typed, reason = form_text("to", 64), form_text("reason")
        to = collecting.stay_meant("".join(typed.split()))
        refused = to if isinstance(to, Refused) else None
        if refused is None and not reason:
            refused = Refused("correct.reason")
        if not isinstance(to, Refused) and refused is None:
            refused = collecting.correct(scan.key, scan.fact, to, reason, asker().user_id)
        if refused is not None:
            error = sentence(refused.code, refused.fields)
            return render_template("collecting/record.html", row=row, scan=scan, n=n, error=error, to=typed), 422
        return _to(f"/collect/rounds/{key}")

    return views


def _refusal(taken: Verdict | Refused) -> str | None:
    """The sentence of a refusal; None where something was judged, and the scan page shows it."""
    refused = taken if isinstance(taken, Refused) else taken.refused
    return None if refused is None else sentence(refused.code, refused.fields)


def _to(path: str) -> Response:
    return make_response(redirect(path, 303))
