"""Devices of a box as a shell tells them: in the words of its own page, from what the running box answers."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from functools import cache
from gettext import GNUTranslations
from pathlib import Path
from typing import Any

from kiosk_ui.kit.locale import OWN_PO, compile_catalog, read_catalog
from kiosk_ui.kit.screens.devices import device_words
from kiosk_ui.kit.screens.words import Message, say
from provisioning.cli.look import alive
from provisioning.making.client import HubClient, state_file
from sync.kernel.outcome import Unavailable

LOOK_EVERY_S = 0.2


def devices(directory: Path) -> dict[str, Any]:
    """Every device of the running box, with its sentence in both languages. Unavailable `box.not-running`."""
    told = alive(directory)
    if not told["running"]:
        raise Unavailable("box.not-running", 5.0)

    def one(device: dict[str, Any]) -> dict[str, Any]:
        words = device_words(device.get("role", ""), device["name"], device["state"], device["reason"])
        sentence, sentence_zh = both(words.sentence)
        steps = [both(step) for step in words.steps]
        return {
            **device,
            "ok": not words.steps,
            "sentence": sentence,
            "sentence_zh": sentence_zh,
            "steps": [english for english, _ in steps],
            "steps_zh": [chinese for _, chinese in steps],
        }

    found = [one(device) for device in told["devices"]]
    wrong = sum(1 for each in found if not each["ok"])
    how = "This box has no devices." if not found else f"{len(found)} devices, {wrong} of them need a look."
    return {"ok": not wrong, "devices": found, "sentence": how}


@cache
def _english() -> GNUTranslations:
    return compile_catalog(read_catalog([OWN_PO]))


def both(message: Message) -> tuple[str, str]:
    """A sentence of the kit in English and in Chinese."""
    table = _english()
    chinese = say(message, lambda text: text, lambda one, many, n: one)
    return say(message, table.gettext, table.ngettext), chinese


def signed_in(directory: Path, badge: str, pin: str) -> HubClient:
    """Somebody at the running box. Unavailable `box.not-running`, `sign-in.unknown`."""
    if not alive(directory)["running"]:
        raise Unavailable("box.not-running", 5.0)
    client = HubClient(str(state_file(directory)["base_url"]))
    client.sign_in({"badge": badge, "pin": pin})
    return client


def scans(client: HubClient, within_s: float) -> Iterator[dict[str, Any]]:
    """What guns say from now on. Several scans of one gun between two looks are told as one, with their number."""
    until_s = time.monotonic() + within_s
    before = {each["name"]: each["heard"] for each in _guns(client)}
    while time.monotonic() < until_s:
        for gun in _guns(client):
            heard, known = gun["heard"], before.get(gun["name"], {"scans": 0, "troubles": 0})
            more = heard["scans"] + heard["troubles"] - known["scans"] - known["troubles"]
            before[gun["name"]] = heard
            if more > 0:
                yield {"name": gun["name"], "count": more, **heard, "sentence": _scan_sentence(gun["name"], heard)}
        time.sleep(LOOK_EVERY_S)


def _guns(client: HubClient) -> list[dict[str, Any]]:
    return [each for each in client.get("/api/v1/devices")["devices"] if "heard" in each]


def _scan_sentence(name: str, heard: dict[str, Any]) -> str:
    if heard["last_trouble"]:
        return f"{name}: a reading that is no scan ({heard['last_trouble']}). Scan again."
    symbology = f", symbology {heard['last_symbology']}" if heard["last_symbology"] else ", no symbology prefix"
    end = "" if heard["last_terminated"] else ", without Enter behind it: set the gun to end with Enter"
    gs1 = heard["last_gs1"]
    if gs1.startswith("gs1.separators"):
        gs1 = ", but the gun seems to drop separators: set it to send FNC1"
    elif gs1:
        gs1 = f", GS1 {gs1}"
    return f"{name}: read {heard['last_chars']} characters{symbology}{gs1}{end}."


def show_code(code: str) -> None:
    """As QR in the terminal, for guns that read QR from a screen."""
    import segno

    segno.make(code, error="m").terminal(out=sys.stdout, compact=True)


def write_code(code: str, path: Path) -> None:
    """As Code 128, which every gun reads."""
    import zxingcpp

    path.write_text(zxingcpp.create_barcode(code, zxingcpp.BarcodeFormat.Code128).to_svg(), "utf-8")


def await_pairing(client: HubClient, opened: dict[str, Any]) -> dict[str, Any]:
    """Wait until the code was scanned. Unavailable `pairing.over` when nobody did."""
    until_s = time.monotonic() + opened["left_s"] + 1.0
    while time.monotonic() < until_s:
        told = client.get("/api/v1/devices")
        gun = next((each for each in told["devices"] if each["name"] == opened["name"] and each["paired"]), None)
        open_still = told["pairing"] is not None and told["pairing"]["code"] == opened["code"]
        if gun is not None and not open_still:
            return {"name": gun["name"], "state": gun["state"], "paired": True, "sentence": gun["sentence"]}
        time.sleep(LOOK_EVERY_S)
    raise Unavailable("pairing.over", 0.0)
