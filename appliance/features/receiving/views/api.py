"""The counter for programs: the same services as the page, plain values in and out."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Blueprint

from appliance.features.receiving.screens import counter_data, received_data
from appliance.features.receiving.service import Received, Receiving
from appliance.web.asking import asker, members
from kiosk_ui.kit.body import FieldFault
from kiosk_ui.kit.rights import needs
from sync.domain.tracking import words
from sync.kernel.outcome import Refused


def make_api(receiving: Receiving) -> Blueprint:
    api = Blueprint("receiving_api", __name__, url_prefix="/api/v1")

    @api.get("/handins")
    @needs("receive.scan")
    def handins() -> Any:
        return {
            "waiting": [asdict(row) for row in receiving.waiting()],
            "handins": [asdict(row) for row in receiving.handins(0)],
            "at": receiving.at[0] if receiving.at else None,
        }

    @api.post("/handins")
    @needs("receive.scan")
    def open_handin() -> Any:
        asked = members({"courier": str, "rounds": list})
        if not all(type(key) is str for key in asked["rounds"]):
            raise FieldFault("json.field-type", "rounds")
        key = receiving.open(asked["courier"], asked["rounds"], asker().user_id)
        return key if isinstance(key, Refused) else ({"handin": key}, 201)

    @api.get("/handins/<key>")
    @needs("receive.scan")
    def show(key: str) -> Any:
        row = receiving.handin(key)
        return (Refused("handin.gone"), 404) if row is None else counter_data(row, receiving.counter(key))

    @api.post("/handins/<key>/scan")
    @needs("receive.scan")
    def scan(key: str) -> Any:
        code = members({"code": str})["code"]
        return receiving.go_on(key, asker().user_id) or _received(receiving.scan(code))

    @api.post("/handins/<key>/hand")
    @needs("receive.scan")
    def by_hand(key: str) -> Any:
        code = members({"code": str})["code"]
        return receiving.go_on(key, asker().user_id) or _received(receiving.enter(code))

    @api.post("/handins/<key>/choose")
    @needs("receive.scan")
    def choose(key: str) -> Any:
        asked = members({"code": str, "stay": str})
        return receiving.go_on(key, asker().user_id) or _received(receiving.choose(asked["code"], asked["stay"]))

    @api.post("/handins/<key>/close")
    @needs("receive.close")
    def close(key: str) -> Any:
        closed = receiving.close(key, asker().user_id)
        return closed if isinstance(closed, Refused) else {"missing": closed[0], "extra": closed[1]}

    @api.post("/handins/undo")
    @needs("receive.scan")
    def undo() -> Any:
        undone = receiving.undo_last(asker().user_id)
        return undone if isinstance(undone, Refused) else {"undone": str(undone)}

    @api.get("/anomalies")
    @needs("anomaly.settle")
    def anomalies() -> Any:
        return {
            "anomalies": [{**asdict(row), "outcomes": list(words.OUTCOMES[row.code])} for row in receiving.anomalies()]
        }

    @api.post("/anomalies/settle")
    @needs("anomaly.settle")
    def settle() -> Any:
        asked = members({"stay": str, "id": str, "outcome": str}, {"note": str})
        refused = receiving.settle(asked["stay"], asked["id"], asked["outcome"], asked.get("note"), asker().user_id)
        return refused or {"ok": True}

    @api.post("/labels")
    @needs("label.print")
    def label() -> Any:
        asked = members({}, {"number": str, "stay": str})
        if len(asked) != 1:
            raise FieldFault("json.field-missing", "number")
        if "number" in asked:
            found = receiving.stays_numbered(asked["number"])
            if isinstance(found, Refused):
                return found
            if len(found) > 1:
                return {"stays": found}, 300
            asked["stay"] = found[0] if found else ""
        job = receiving.print_label(asked["stay"], asker().user_id)
        return job if isinstance(job, Refused) else ({"job": job}, 202)

    return api


def _received(received: Received | Refused) -> Any:
    if isinstance(received, Refused):
        return received
    return received.refused or received_data(received)
