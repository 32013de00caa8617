"""`waystation devices try`, `scan test`, `speak test`: one device of a running box tried, told in one sentence."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provisioning.cli import say
from sync.kernel.outcome import Unavailable

if TYPE_CHECKING:
    from provisioning.making.client import HubClient

LOOK_EVERY_S = 0.2

Name = Annotated[str, typer.Argument(help="the device's name, as on the device page")]
Dir = Annotated[Path, typer.Option("--dir", help="the box's directory")]
Badge = Annotated[str, typer.Option("--badge", help="the badge of somebody who works at this box")]
Pin = Annotated[str, typer.Option("--pin", prompt=True, hide_input=True, help="that person's PIN")]
Within = Annotated[float, typer.Option(min=0.1, help="stop it after so many seconds")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON document on stdout")]

speak = typer.Typer(no_args_is_help=True, help="Loudspeakers.")


@speak.callback()
def speakers() -> None:
    """Loudspeakers of a box."""


def add_to(app: typer.Typer) -> None:
    from provisioning.cli.devices import devices, scan

    devices.command("try")(try_device)
    scan.command("test")(scan_test)
    speak.command("test")(speak_test)
    app.add_typer(speak, name="speak")


def try_device(name: Name, dir: Dir, badge: Badge, pin: Pin, within: Within = 90.0, json: AsJson = False) -> None:
    """Scan a page, take a picture, say a sentence, await a signature, a card or a press; nothing of it is kept."""
    _tried(name, dir, badge, pin, within, json, None)


def scan_test(name: Name, dir: Dir, badge: Badge, pin: Pin, within: Within = 90.0, json: AsJson = False) -> None:
    """Scan one page on a scanner of a running box; nothing of it is kept."""
    _tried(name, dir, badge, pin, within, json, "scanner")


def speak_test(name: Name, dir: Dir, badge: Badge, pin: Pin, within: Within = 90.0, json: AsJson = False) -> None:
    """Say a sentence on a loudspeaker of a running box."""
    _tried(name, dir, badge, pin, within, json, "speaker")


def _tried(name: str, dir: Path, badge: str, pin: str, within: float, json: bool, role: str | None) -> None:
    from provisioning.cli import device_look

    client = device_look.signed_in(dir, badge, pin)
    if role is not None and all(each["name"] != name or each["role"] != role for each in listed(client)):
        raise Unavailable("device.unknown")
    told: dict[str, Any] = client.post("/api/v1/devices/trial?lang=en", {"name": name})
    if not json:
        sys.stderr.write(_asks(told["kind"]) + "\n")
    told = await_end(client, name, told, within)
    ok = told["state"] == "done"
    found = {**told, "ok": ok, "sentence": sentence(name, told)}
    say.document(found, as_json=json, lines=[found["sentence"]])
    say.end(say.FINE if ok else say.FAILED)


def listed(client: HubClient) -> list[dict[str, Any]]:
    return list(client.get("/api/v1/devices")["devices"])


def await_end(client: HubClient, name: str, told: dict[str, Any], within_s: float) -> dict[str, Any]:
    """How the trial ended; stopped when the time is over or somebody presses Ctrl-C."""
    until_s = time.monotonic() + within_s
    stopped = False
    while told["state"] == "running":
        try:
            time.sleep(LOOK_EVERY_S)
        except KeyboardInterrupt:
            until_s = 0.0
        if not stopped and time.monotonic() > until_s:
            client.post("/api/v1/devices/trial/stop", {"name": name})
            stopped = True
        told = client.post("/api/v1/devices/trial/look?lang=en", {"name": name})
    return told


_ASKS = {
    "page": "Scanning one page.",
    "still": "Taking one picture.",
    "sentence": "Saying the test sentence; listen.",
    "signature": "Write anything on the pad.",
    "look": "Look at the terminal.",
    "press": "Press the foot switch.",
    "card": "Lay a card on the reader.",
}


def _asks(kind: str) -> str:
    return f"{_ASKS.get(kind, 'Trying it.')} Ctrl-C stops it."


def _codes(told: dict[str, Any]) -> str:
    if told["codes"] is None:
        return ""
    read = [f"{one['symbology']} of {one['chars']} characters" for one in told["codes"] for _ in range(one["count"])]
    return f", barcodes on it: {', '.join(read) or 'none seen'}"


def sentence(name: str, told: dict[str, Any]) -> str:
    """What came, what that proves, and what to do where nothing did."""
    size = f"{told['size_bytes']:,} bytes"
    if told["dots"]:
        size = f"{told['dots'][0]:,} x {told['dots'][1]:,} dots, {size}"
    match told["state"], told["kind"]:
        case "done", "page":
            return f"{name}: one page, {size}{_codes(told)}; nothing of it was kept."
        case "done", "still":
            return f"{name}: one picture, {size}{_codes(told)}; nothing of it was kept."
        case "done", "sentence":
            return f"{name}: said whole; only an ear can tell whether it was heard."
        case "done", "signature":
            return f"{name}: the service answers, a signature of {size} came and was not kept."
        case "done", "look":
            return f"{name}: the service answers, it looked; nothing was kept."
        case "done", "card":
            return f"{name}: a card was read; nothing of it was kept."
        case "done", _:
            return f"{name}: pressed."
        case "stopped", _:
            return f"{name}: stopped; nothing was kept."
    step = f" {told['step']}." if told["step"] else ""
    return f"{name}: {told['sentence']}.{step} [{told['reason']}]"
