"""`waystation print test`: a trial page, slip or label through a running box, and one sentence about its end."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provisioning.cli import say
from sync.kernel.outcome import Unavailable

if TYPE_CHECKING:
    from provisioning.making.client import HubClient

LOOK_EVERY_S = 0.2
ENDED = frozenset({"confirmed", "failed", "uncertain"})

papers = typer.Typer(no_args_is_help=True, help="Printers.")


def add_to(app: typer.Typer) -> None:
    app.add_typer(papers, name="print")


@papers.callback()
def printers() -> None:
    """Printers of a box."""


@papers.command("test")
def trial(
    printer: Annotated[str, typer.Argument(help="the printer's name on the device page: receipt-printer, …")],
    dir: Annotated[Path, typer.Option("--dir", help="the box's directory")],
    badge: Annotated[str, typer.Option("--badge", help="the badge of somebody who works at this box")],
    pin: Annotated[str, typer.Option("--pin", prompt=True, hide_input=True, help="that person's PIN")],
    within: Annotated[float, typer.Option(min=0.1, help="tell how it stands after so many seconds")] = 60.0,
    json: Annotated[bool, typer.Option("--json", help="one JSON document on stdout")] = False,
) -> None:
    """Print a trial page, slip or label on a printer of a running box, through its ledger like every other."""
    from provisioning.cli.look import alive
    from provisioning.making.client import HubClient, state_file

    if not alive(dir)["running"]:
        raise Unavailable("box.not-running", 5.0)
    client = HubClient(str(state_file(dir)["base_url"]))
    client.sign_in({"badge": badge, "pin": pin})
    job = client.post("/api/v1/paper/trial", {"printer": printer})["job"]
    told = await_end(client, job, within, time.monotonic)
    now: dict[str, Any] = next((each for each in alive(dir)["devices"] if each["name"] == printer), {})
    found = {**told, "ok": told["state"] == "confirmed", **sentences(printer, told, now)}
    say.document(found, as_json=json, lines=[found["sentence"]])
    say.end(say.FINE if found["ok"] else say.FAILED)


def await_end(client: HubClient, job: str, within_s: float, mono_s: Callable[[], float]) -> dict[str, Any]:
    """How the job stands when it has ended or the time is over."""
    until_s = mono_s() + within_s
    while True:
        told: dict[str, Any] = client.get(f"/api/v1/paper/{job}")
        if told["state"] in ENDED or mono_s() > until_s:
            return told
        time.sleep(LOOK_EVERY_S)


def sentences(printer: str, told: dict[str, Any], now: dict[str, Any]) -> dict[str, str]:
    """What became of it, what that proves, and what to do, in both languages; `now` is how its printer is."""
    from kiosk_ui.kit.screens.devices import device_words
    from kiosk_ui.kit.screens.papers import trial_counts, trial_end
    from provisioning.cli.device_look import both

    words = device_words("printer", printer, now.get("state", "ready"), now.get("reason", ""))
    parts = [trial_end(words, told["state"], told["reason"])]
    if told["state"] == "confirmed" and "sides" in told:
        parts.append(trial_counts(told["sides_counted"], told["sides"]))
    english, chinese = zip(*map(both, parts), strict=True)
    return {"sentence": " ".join(english), "sentence_zh": "".join(chinese)}
