"""A courier's round for programs: the same services as the pages, plain values in and out."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from appliance.features.collecting.due import DueLists
from appliance.features.collecting.scan import Verdict
from appliance.features.collecting.screens import counts_data, round_data, verdict_data, ward_data
from appliance.features.collecting.service import Collecting
from appliance.web.asking import asker, members
from kiosk_ui.kit.rights import needs
from sync.kernel.ids import parse_fact_id
from sync.kernel.outcome import Refused


def make_api(collecting: Collecting, lists: DueLists) -> Blueprint:
    api = Blueprint("collecting_api", __name__, url_prefix="/api/v1")

    @api.get("/wards")
    @needs("collect.scan")
    def wards() -> Any:
        return {"wards": [ward_data(one, with_records=False) for one in lists.wards()]}

    @api.get("/due")
    @needs("collect.scan")
    def due() -> Any:
        ward = request.args.get("ward", "")
        return ward_data(lists.ward(ward)) if lists.carries(ward) else (Refused("round.no-list"), 404)

    @api.post("/rounds")
    @needs("collect.scan")
    def open_round() -> Any:
        ward = members({"ward": str})["ward"]
        if not lists.carries(ward):
            return Refused("round.no-list")
        key = collecting.open_round(ward, asker().user_id)
        return key if isinstance(key, Refused) else ({"round": key}, 201)

    @api.get("/rounds/<key>")
    @needs("collect.scan")
    def show_round(key: str) -> Any:
        found = collecting.round(key)
        return (Refused("round.gone"), 404) if found is None else round_data(*found)

    @api.post("/scans")
    @needs("collect.scan")
    def scan() -> Any:
        asked = members({"code": str}, {"device": str})
        device = asked["device"][:32] if "device" in asked else None
        return _verdict(collecting.scan(asked["code"], device, asker().user_id))

    @api.post("/scans/hand")
    @needs("collect.scan")
    def by_hand() -> Any:
        asked = members({"code": str, "initials": str})
        return _verdict(collecting.enter_by_hand(asked["code"], asked["initials"], asker().user_id))

    @api.post("/scans/choose")
    @needs("collect.scan")
    def choose() -> Any:
        asked = members({"code": str, "stay": str})
        return _verdict(collecting.choose(asked["code"], asked["stay"], asker().user_id))

    @api.post("/scans/tick")
    @needs("collect.scan")
    def tick() -> Any:
        return _verdict(collecting.tick(members({"stay": str})["stay"], asker().user_id))

    @api.post("/scans/backfill")
    @needs("collect.backfill")
    def backfill() -> Any:
        asked = members({"code": str, "at_ms": int})
        return _verdict(collecting.backfill(asked["code"], asked["at_ms"], asker().user_id))

    @api.post("/scans/undo")
    @needs("collect.undo")
    def undo() -> Any:
        undone = collecting.undo_last(asker().user_id)
        return undone if isinstance(undone, Refused) else {"undone": str(undone)}

    @api.post("/scans/reason")
    @needs("collect.scan")
    def reason() -> Any:
        asked = members({"stay": str, "fact": str, "reason": str}, {"note": str})
        fact = parse_fact_id(asked["fact"])
        refused = collecting.give_reason(asked["stay"], fact, asked["reason"], asked.get("note"), asker().user_id)
        return refused or {"ok": True}

    @api.post("/scans/put-back")
    @needs("collect.undo")
    def put_back() -> Any:
        asked = members({"stay": str, "fact": str})
        return collecting.put_back(asked["stay"], parse_fact_id(asked["fact"]), asker().user_id) or {"ok": True}

    @api.post("/scans/correct")
    @needs("collect.scan")
    def correct() -> Any:
        asked = members({"stay": str, "fact": str, "to": str, "reason": str})
        to = collecting.stay_meant(asked["to"])
        if isinstance(to, Refused):
            return to
        fact = parse_fact_id(asked["fact"])
        return collecting.correct(asked["stay"], fact, to, asked["reason"], asker().user_id) or {"ok": True}

    @api.post("/rounds/<key>/count")
    @needs("collect.handover")
    def count(key: str) -> Any:
        return collecting.count(key, members({"by_hand": int})["by_hand"], asker().user_id) or {"ok": True}

    @api.get("/rounds/<key>/counts")
    @needs("collect.handover")
    def counts(key: str) -> Any:
        found = collecting.counts(key)
        return (Refused("round.gone"), 404) if found is None else counts_data(found)

    @api.post("/rounds/<key>/confirm")
    @needs("collect.handover")
    def confirm(key: str) -> Any:
        job = collecting.confirm(key, members({"badge": str})["badge"], asker().user_id)
        return job if isinstance(job, Refused) else {"job": job}

    @api.post("/rounds/<key>/receipt")
    @needs("collect.handover")
    def reprint(key: str) -> Any:
        job = collecting.reprint(key, asker().user_id)
        return job if isinstance(job, Refused) else ({"job": job}, 202)

    return api


def _verdict(verdict: Verdict | Refused) -> Any:
    """What was judged; what was refused is a problem with its code."""
    if isinstance(verdict, Refused):
        return verdict
    return verdict.refused or verdict_data(verdict)
