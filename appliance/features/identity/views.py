"""The programs' doors to this box's readers: begin, await, cancel; and what a typed number or zone is."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from appliance.features.identity.screens import (
    reader_data,
    reading_data,
    recognised_data,
    said_code,
)
from appliance.features.identity.service import LOOK_S_MAX, WAIT_S, Identity
from appliance.web.asking import asker, members
from kiosk_ui.kit.locale import words
from kiosk_ui.kit.problems import sentence
from kiosk_ui.kit.rights import needs
from sync.kernel.outcome import Refused

TEXT_CHARS_MAX = 200


def make_views(identity: Identity) -> Blueprint:
    views = Blueprint("identity", __name__)

    def told(reading: Any) -> Any:
        if isinstance(reading, Refused):
            return reading
        code = said_code(reading.code)
        return {**reading_data(reading), "says": sentence(code, {}) if code else ""}

    @views.get("/api/v1/identity/readers")
    @needs("identity.read")
    def readers() -> Any:
        return {"readers": [reader_data(view, words(identity.last(view.name))) for view in identity.readers()]}

    @views.post("/api/v1/identity/readings")
    @needs("identity.read")
    def begin() -> Any:
        asked = members({}, {"reader": str, "wait_s": int})
        begun = identity.begin(asked.get("reader", ""), asker().user_id, asked.get("wait_s", WAIT_S))
        return told(begun) if isinstance(begun, Refused) else (told(begun), 201)

    @views.get("/api/v1/identity/readings/<key>")
    @needs("identity.read")
    def look(key: str) -> Any:
        said = request.args.get("wait_s", "0")
        wait_s = int(said) if said.isascii() and said.isdigit() and len(said) < 4 else 0
        return told(identity.look(key, asker().user_id, min(wait_s, LOOK_S_MAX)))

    @views.delete("/api/v1/identity/readings/<key>")
    @needs("identity.read")
    def cancel(key: str) -> Any:
        return identity.cancel(key, asker().user_id) or {"ok": True}

    @views.post("/api/v1/identity/recognise")
    @needs("identity.read")
    def recognise() -> Any:
        found = identity.recognise(members({"text": str})["text"][: TEXT_CHARS_MAX + 1])
        return found if isinstance(found, Refused) else recognised_data(found)

    return views
