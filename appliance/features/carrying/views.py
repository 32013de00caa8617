"""The page of the stick: which one is there, out and in, how far it is, what came of it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, make_response, redirect, render_template

from appliance.features.carrying.screens import carry_data, outcome_words
from appliance.features.carrying.service import Carrying
from appliance.web.asking import asker, form_text, members
from kiosk_ui.kit.port import KitPort
from kiosk_ui.kit.problems import sentence
from kiosk_ui.kit.rights import needs
from sync.kernel.outcome import Refused

MAY = ("collect.handover", "receive.scan")


def make_views(carrying: Carrying, port: KitPort) -> Blueprint:
    views = Blueprint("carrying", __name__)

    def shown() -> dict[str, Any]:
        carry = carrying.now
        return {
            "places": carrying.places(),
            "carry": carry,
            "words_of": [] if carry is None else outcome_words(carry),
            "failed": sentence(carry.code, {}) if carry is not None and carry.code else "",
            "waiting": port.ledger().waiting,
        }

    @views.get("/carry")
    @needs(*MAY)
    def page() -> str:
        return render_template("carrying/page.html", **shown(), error="")

    @views.get("/carry/live")
    @needs(*MAY)
    def live() -> str:
        return render_template("carrying/live.html", **shown())

    def begun(refused: Refused | None) -> Any:
        if refused is not None:
            return render_template("carrying/page.html", **shown(), error=sentence(refused.code, refused.fields)), 422
        return make_response(redirect("/carry", 303))

    @views.post("/carry/out")
    @needs(*MAY)
    def out() -> Any:
        return begun(carrying.carry_out(form_text("place"), asker().user_id))

    @views.post("/carry/in")
    @needs(*MAY)
    def bring_in() -> Any:
        return begun(carrying.bring_in(form_text("place"), asker().user_id))

    @views.post("/carry/stop")
    @needs(*MAY)
    def stop() -> Any:
        carrying.stop()
        return begun(None)

    @views.get("/api/v1/carry")
    @needs(*MAY)
    def api() -> Any:
        places = [{"id": one.id, "name": one.name, "files": len(one.files)} for one in carrying.places()]
        return {"places": places, "carry": carry_data(carrying.now)}

    @views.post("/api/v1/carry/out")
    @needs(*MAY)
    def api_out() -> Any:
        return carrying.carry_out(members({"place": str})["place"], asker().user_id) or {"ok": True}

    @views.post("/api/v1/carry/in")
    @needs(*MAY)
    def api_in() -> Any:
        return carrying.bring_in(members({"place": str})["place"], asker().user_id) or {"ok": True}

    @views.post("/api/v1/carry/stop")
    @needs(*MAY)
    def api_stop() -> Any:
        carrying.stop()
        return {"ok": True}

    return views
