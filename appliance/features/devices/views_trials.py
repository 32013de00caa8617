"""Trying a device from its page or from a shell, and looking through a camera; pictures go to who asked alone."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, redirect, request, url_for

from appliance.features.devices.desks import Desks
from appliance.features.devices.service import Devices
from appliance.features.devices.trial_screens import trial_data, trial_row
from appliance.features.devices.trials import Trial, Trials
from appliance.features.devices.views_hands import HANDS
from appliance.web.asking import asker, form_text, members
from kiosk_ui.kit.locale import words
from kiosk_ui.kit.rights import needs
from sync.kernel.outcome import Refused, Unavailable

FRAME_WAIT_S = 6.0


def make_trial_views(devices: Devices, desks: Desks, trials: Trials) -> Blueprint:
    views = Blueprint("device_trials", __name__)

    def begin(name: str) -> Trial | Refused:
        begun = trials.begin(name, asker().user_id)
        if not isinstance(begun, Refused):
            devices.tried(name, asker().user_id)
        return begun

    def stop(name: str) -> Refused | None:
        return trials.stop(name)

    def told(trial: Trial) -> dict[str, Any]:
        role = next((view.role for view in devices.views() if view.name == trial.device), "")
        row = trial_row(trial, role, asker().user_id)
        said = "" if row is None else words(row.said)
        step = "" if row is None or row.step is None else words(row.step)
        return {**trial_data(trial), "sentence": said, "step": step}

    def mine(name: str) -> Trial | Refused:
        trial = trials.of(name)
        return Refused("trial.over") if trial is None or trial.owner != asker().user_id else trial

    @views.post("/devices/trial")
    @needs(*HANDS)
    def begin_here() -> Any:
        begun = begin(form_text("name"))
        return begun if isinstance(begun, Refused) else make_response(redirect("/devices", 303))

    @views.post("/devices/trial/stop")
    @needs(*HANDS)
    def stop_here() -> Any:
        return stop(form_text("name")) or make_response(redirect("/devices", 303))

    @views.get("/devices/trial/picture")
    @needs(*HANDS)
    def picture() -> Any:
        trial = mine(request.args.get("name", ""))
        if isinstance(trial, Refused) or not trial.picture:
            return Refused("trial.over"), 404
        return Response(trial.picture, content_type=trial.media_type)

    @views.post("/devices/watch")
    @needs(*HANDS)
    def watch() -> Any:
        name = form_text("name")
        if name not in desks.cameras:
            return Refused("trial.none")
        devices.tried(name, asker().user_id)
        return make_response(redirect(url_for("device_hands.page", watch=name), 303))

    @views.get("/devices/preview")
    @needs(*HANDS)
    def preview() -> Any:
        desk = desks.cameras.get(request.args.get("name", ""))
        if desk is None:
            return Refused("trial.none"), 404
        after = request.args.get("after", "0")
        try:
            n, frame = desk.frame(int(after) if after.isascii() and after.isdigit() else 0, FRAME_WAIT_S)
        except Unavailable:
            return Refused("trial.away"), 404
        answer = Response(frame, content_type="image/jpeg")
        answer.headers["X-Way-Frame"] = str(n)
        return answer

    @views.post("/api/v1/devices/trial")
    @needs(*HANDS)
    def api_begin() -> Any:
        begun = begin(members({"name": str})["name"])
        return begun if isinstance(begun, Refused) else (told(begun), 201)

    @views.post("/api/v1/devices/trial/look")
    @needs(*HANDS)
    def api_look() -> Any:
        trial = mine(members({"name": str})["name"])
        return trial if isinstance(trial, Refused) else told(trial)

    @views.post("/api/v1/devices/trial/stop")
    @needs(*HANDS)
    def api_stop() -> Any:
        return stop(members({"name": str})["name"]) or {"ok": True}

    return views
