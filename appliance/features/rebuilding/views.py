"""Bringing back a lost hand-held's batch: codes by gun, by typing, or from a picture of the slip."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request

from appliance.features.rebuilding.service import Rebuilding, Rebuilt
from appliance.web.asking import asker, members
from kiosk_ui.kit.problems import sentence
from kiosk_ui.kit.rights import body_max, needs
from sync.kernel.outcome import PeerFault, Refused

PICTURE_BYTES_MAX = 12 * 1024 * 1024
CODE_CHARS_MAX = 2000


def make_views(rebuilding: Rebuilding) -> Blueprint:
    views = Blueprint("rebuilding", __name__)

    @views.get("/rebuild")
    @needs("round.rebuild")
    def page() -> str:
        return _page(rebuilding)

    @views.get("/rebuild/live")
    @needs("round.rebuild")
    def live() -> str:
        return render_template("rebuilding/live.html", receipts=rebuilding.receipts(), refused=_asked_refusal())

    @views.post("/rebuild/wedge")
    @needs("round.rebuild")
    def wedge() -> Any:
        asked = members({"code": str}, {"took_ms": int})
        done = rebuilding.take(asked["code"], asker().user_id)
        return done if isinstance(done, Refused) else ""

    @views.post("/rebuild/code")
    @needs("round.rebuild")
    def code() -> Any:
        text = request.form.get("code", "")[:CODE_CHARS_MAX].strip()
        done = rebuilding.take(text, asker().user_id)
        if isinstance(done, Refused):
            return _page(rebuilding, sentence(done.code, done.fields)), 422
        return make_response(redirect("/rebuild", 303))

    @views.post("/rebuild/picture")
    @needs("round.rebuild")
    @body_max(PICTURE_BYTES_MAX)
    def picture() -> Any:
        file = request.files.get("picture")
        taken = rebuilding.take_picture(file.read() if file else b"", asker().user_id)
        if not any(isinstance(one, Rebuilt) for one in taken):
            code = next((one.code for one in taken if isinstance(one, Refused)), "picture.no-code")
            return _page(rebuilding, sentence(code, {})), 422
        return make_response(redirect("/rebuild", 303))

    @views.post("/api/v1/rebuild")
    @needs("round.rebuild")
    @body_max(PICTURE_BYTES_MAX)
    def api() -> Any:
        if request.mimetype == "application/json":
            done = rebuilding.take(members({"code": str})["code"], asker().user_id)
            return done if isinstance(done, Refused) else {"rebuilt": [asdict(done)], "refused": []}
        if not request.mimetype.startswith("image/"):
            raise PeerFault("body.unreadable")
        taken = rebuilding.take_picture(request.get_data(), asker().user_id)
        if not taken:
            return Refused("picture.no-code")
        if all(isinstance(one, Refused) for one in taken):
            return taken[0]
        return {
            "rebuilt": [asdict(one) for one in taken if isinstance(one, Rebuilt)],
            "refused": [one.code for one in taken if isinstance(one, Refused)],
        }

    return views


def _asked_refusal() -> str:
    """The sentence of the code that the last event told the page; an unknown one has a general sentence."""
    code = request.args.get("refused", "")[:40]
    return sentence(code, {}) if code else ""


def _page(rebuilding: Rebuilding, error: str = "") -> str:
    return render_template("rebuilding/page.html", receipts=rebuilding.receipts(), refused="", error=error)
