"""With the ward's nurse: three counts, what differs by name, the badge; then the receipt and how it prints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from flask import Blueprint, Response, make_response, redirect, render_template, request

from appliance.features.collecting.due import DueLists
from appliance.features.collecting.service import Collecting, Counts
from appliance.features.collecting.store import TakenRow
from appliance.store.print_jobs import PaperJob
from appliance.web.asking import asker, form_text, members
from kiosk_ui.kit.problems import sentence
from kiosk_ui.kit.rights import needs
from sync.domain.tracking import words
from sync.kernel.outcome import Refused


class Named(NamedTuple):
    """One difference with what the lists know of the record. `late`: past the ward's limit."""

    code: str
    record_no: str
    name: str
    ward: str
    late: bool


def make_handing_over(
    collecting: Collecting,
    lists: DueLists,
    names: Callable[[], dict[str, str]],
    papers: Callable[[str], list[PaperJob]],
) -> Blueprint:
    views = Blueprint("handing_over", __name__)

    def mine() -> str | None:
        hand = collecting.scanner.hand
        return hand.round_key if hand is not None and hand.courier == asker().user_id else None

    def told(key: str, error: str = "") -> dict[str, Any]:
        counts, found = collecting.counts(key), collecting.round(key)
        assert counts is not None and found is not None
        ward = lists.ward(counts.round.ward)
        return {
            "counts": counts,
            "ward": ward.ward,
            "differences": _named(counts, found[1], {one.row.key: one for one in ward.records}),
            "missing": sum(1 for one in counts.differences if one.code == words.NOT_SCANNED),
            "error": error,
        }

    @views.get("/collect/handover")
    @needs("collect.handover")
    def page() -> Any:
        key = mine()
        return _to("/collect") if key is None else render_template("collecting/handover.html", **told(key))

    @views.get("/collect/handover/live")
    @needs("collect.handover")
    def live() -> Any:
        """The counts again, with the sentence of a badge that could not sign."""
        key, code = mine(), request.args.get("refused", "")[:40]
        if key is None:
            return make_response("", 204)
        return render_template("collecting/handover_live.html", **told(key, sentence(code, {}) if code else ""))

    @views.post("/collect/handover/count")
    @needs("collect.handover")
    def count() -> Any:
        key, typed = mine(), form_text("by_hand", 6)
        if key is None:
            return Refused("scan.no-round")
        refused = (
            collecting.count(key, int(typed), asker().user_id)
            if typed.isascii() and typed.isdigit()
            else Refused("handover.count-missing")
        )
        error = "" if refused is None else sentence(refused.code, refused.fields)
        return render_template("collecting/handover_live.html", **told(key, error))

    def sign(badge: str) -> Any:
        key = mine()
        if key is None:
            return Refused("scan.no-round")
        done = collecting.confirm(key, badge, asker().user_id)
        return done if isinstance(done, Refused) else key

    @views.post("/collect/handover/badge")
    @needs("collect.handover")
    def badge() -> Any:
        """A badge that was typed."""
        signed = sign(form_text("badge", 64))
        if not isinstance(signed, Refused):
            return _to(f"/collect/rounds/{signed}")
        key = mine()
        if key is None:
            return signed
        error = sentence(signed.code, signed.fields)
        return render_template("collecting/handover.html", **told(key, error)), 422

    @views.post("/collect/handover/wedge")
    @needs("collect.handover")
    def wedge() -> Any:
        """A badge through the keyboard: refused in words in its place, or the page goes on to the receipt."""
        signed = sign(members({"code": str}, {"took_ms": int})["code"][:64])
        if isinstance(signed, Refused):
            key = mine()
            if key is None:
                return signed
            return render_template("collecting/handover_live.html", **told(key, sentence(signed.code, signed.fields)))
        return render_template("collecting/handed_over.html", round=signed)

    @views.get("/collect/rounds/<key>")
    @needs("collect.scan")
    def show(key: str) -> Any:
        found = collecting.round(key)
        if found is None or found[0].courier != asker().user_id:
            return Refused("round.gone"), 404
        return render_template("collecting/round.html", **_round(key, found))

    @views.get("/collect/rounds/<key>/live")
    @needs("collect.scan")
    def show_live(key: str) -> Any:
        found = collecting.round(key)
        if found is None or found[0].courier != asker().user_id:
            return Refused("round.gone"), 404
        return render_template("collecting/round_live.html", **_round(key, found))

    @views.post("/collect/rounds/<key>/receipt")
    @needs("collect.handover")
    def reprint(key: str) -> Any:
        job = collecting.reprint(key, asker().user_id)
        return job if isinstance(job, Refused) else _to(f"/collect/rounds/{key}")

    def _round(key: str, found: Any) -> dict[str, Any]:
        row, taken = found
        return {
            "row": row,
            "scans": [scan for scan in taken if scan.counts],
            "undone": sum(1 for scan in taken if not scan.counts),
            "ward": lists.ward_of(row.ward),
            "nurse": names().get(row.nurse or "", row.nurse or ""),
            "counts": collecting.counts(key),
            "papers": papers(key),
        }

    return views


def _named(counts: Counts, taken: list[TakenRow], due: dict[str, Any]) -> list[Named]:
    by_key = {scan.key: scan for scan in taken}
    named = []
    for key, code in counts.differences:
        scan, one = by_key.get(key), due.get(key)
        if one is not None:
            named.append(Named(code, one.row.record_no, one.row.name, counts.round.ward, one.late))
        elif scan is not None:
            named.append(Named(code, scan.record_no, scan.name or "", scan.home_ward or "", False))
        else:
            named.append(Named(code, key.rpartition("-")[0], "", "", False))
    return named


def _to(path: str) -> Response:
    return make_response(redirect(path, 303))
