"""The device page: how each device is, what to do about it, switching it off and on, and pairing a new gun."""

from __future__ import annotations

import base64
from collections.abc import Callable, Container
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request

from appliance.features.devices.screens import DeviceRow, device_row, row_data
from appliance.features.devices.service import Devices
from appliance.features.devices.trial_screens import trial_row, try_act
from appliance.features.devices.trials import Trials
from appliance.web.asking import asker, form_text, members
from hardware.drivers.gun_rack import GUN
from hardware.drivers.pairing import Pairing
from kiosk_ui.kit.locale import words
from kiosk_ui.kit.rights import needs
from kiosk_ui.kit.screens.words import Message
from sync.kernel.outcome import Refused

HANDS = ("collect.scan", "receive.scan", "fleet.manage")
"""Whoever works with the devices may switch them and pair a gun in the place of a broken one."""


def code_picture(text: str) -> str:
    """Code 128 as a data address: the one symbology that the oldest laser gun reads."""
    import zxingcpp

    svg = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.Code128).to_svg()
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


Last = Callable[[str], Message | None]
"""Name of a device that is no gun → what it said last, told so that nobody is known by it."""


def make_hands(devices: Devices, trials: Trials, mono_s: Any, last: Last, cameras: Container[str]) -> Blueprint:
    views = Blueprint("device_hands", __name__)

    def rows() -> list[DeviceRow]:
        now_s = mono_s()
        found = []
        for view in devices.views():
            if view.role == GUN:
                found.append(device_row(view, devices.guns.heard(view.name), devices.paired(view.name), now_s))
                continue
            row = replace(device_row(view, None, False, now_s), last=last(view.name))
            trial = trial_row(trials.of(view.name), view.role, asker().user_id)
            found.append(replace(row, try_act=try_act(view, trials.kind(view.name)), trial=trial))
        return found

    def shown() -> dict[str, Any]:
        pairing = devices.guns.pairing
        return {
            "rows": rows(),
            "pairing": pairing,
            "picture": "" if pairing is None else code_picture(pairing.code),
            "left_s": 0 if pairing is None else max(0, round(pairing.until_mono_s - mono_s())),
            "cameras": cameras,
        }

    def there() -> Response:
        return make_response(redirect("/devices", 303))

    @views.get("/devices")
    @needs("settings.read")
    def page() -> str:
        watched = request.args.get("watch", "")
        return render_template("devices/page.html", watched=watched if watched in cameras else "", **shown())

    @views.get("/devices/live")
    @needs("settings.read")
    def live() -> str:
        return render_template("devices/live.html", **shown())

    @views.post("/devices/switch")
    @needs(*HANDS)
    def switch() -> Any:
        return devices.switch(form_text("name"), form_text("on") == "1", asker().user_id) or there()

    @views.post("/devices/pair")
    @needs(*HANDS)
    def pair() -> Any:
        begun = devices.pair(form_text("name"), asker().user_id)
        return begun if isinstance(begun, Refused) else there()

    @views.post("/devices/pair/stop")
    @needs(*HANDS)
    def stop() -> Any:
        devices.guns.stop_pairing()
        return there()

    @views.post("/devices/unpair")
    @needs(*HANDS)
    def unpair() -> Any:
        return devices.unpair(form_text("name"), asker().user_id) or there()

    @views.get("/api/v1/devices")
    @needs("settings.read")
    def api_devices() -> Any:
        return {
            "devices": [{**row_data(row), "sentence": words(row.words.sentence)} for row in rows()],
            "hears_plugs": devices.hears_plugs,
            "pairing": _pairing_data(devices.guns.pairing, mono_s()),
        }

    @views.post("/api/v1/devices/switch")
    @needs(*HANDS)
    def api_switch() -> Any:
        asked = members({"name": str, "on": bool})
        return devices.switch(asked["name"], asked["on"], asker().user_id) or {"ok": True}

    @views.post("/api/v1/devices/pair")
    @needs(*HANDS)
    def api_pair() -> Any:
        begun = devices.pair(members({}, {"name": str}).get("name", ""), asker().user_id)
        return begun if isinstance(begun, Refused) else _pairing_data(begun, mono_s())

    @views.post("/api/v1/devices/unpair")
    @needs(*HANDS)
    def api_unpair() -> Any:
        return devices.unpair(members({"name": str})["name"], asker().user_id) or {"ok": True}

    return views


def _pairing_data(pairing: Pairing | None, now_s: float) -> dict[str, Any] | None:
    """What is open; its code is for the eyes of those who may pair."""
    if pairing is None:
        return None
    return {"name": pairing.name, "code": pairing.code, "left_s": max(0, round(pairing.until_mono_s - now_s)),
            "heard": pairing.ears}  # fmt: skip
