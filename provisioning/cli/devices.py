"""`waystation devices …`, `scan watch` and `doctor`: what hangs on a box, what is wrong, what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from provisioning.cli import say

Dir = Annotated[Path, typer.Option("--dir", help="the box's directory")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON document on stdout")]
Badge = Annotated[str, typer.Option("--badge", help="the badge of somebody who works at this box")]
Pin = Annotated[str, typer.Option("--pin", prompt=True, hide_input=True, help="that person's PIN")]
Name = Annotated[str, typer.Argument(help="the device's name")]

devices = typer.Typer(invoke_without_command=True, help="What hangs on a box; off, on, and pairing a gun.")
scan = typer.Typer(no_args_is_help=True, help="Guns.")


def add_to(app: typer.Typer) -> None:
    app.add_typer(devices, name="devices")
    app.add_typer(scan, name="scan")
    app.command()(doctor)


@devices.callback()
def listed(
    context: typer.Context,
    dir: Annotated[Path | None, typer.Option("--dir", help="the box's directory")] = None,
    json: AsJson = False,
) -> None:
    """Every device in one sentence: how it is and, where something is wrong, what to do first."""
    if context.invoked_subcommand is not None:
        return
    if dir is None:
        raise typer.BadParameter("give the box's directory", param_hint="--dir")
    from provisioning.cli import device_look

    found = device_look.devices(dir)
    say.document(found, as_json=json, lines=[each["sentence"] for each in found["devices"]] or [found["sentence"]])
    say.end(say.FINE if found["ok"] else say.FAILED)


@devices.command("off")
def off(name: Name, dir: Dir, badge: Badge, pin: Pin, json: AsJson = False) -> None:
    """Close a device and leave it alone, also after a restart."""
    _switch(name, dir, badge, pin, json, on=False)


@devices.command("on")
def on(name: Name, dir: Dir, badge: Badge, pin: Pin, json: AsJson = False) -> None:
    """Open a device again."""
    _switch(name, dir, badge, pin, json, on=True)


def _switch(name: str, dir: Path, badge: str, pin: str, json: bool, *, on: bool) -> None:
    from provisioning.cli import device_look

    device_look.signed_in(dir, badge, pin).post("/api/v1/devices/switch", {"name": name, "on": on})
    say.document({"name": name, "on": on}, as_json=json, lines=[f"{name} is switched {'on' if on else 'off'}."])


@devices.command("pair")
def pair(
    dir: Dir,
    badge: Badge,
    pin: Pin,
    name: Annotated[str, typer.Option(help="role of the gun; empty: the next free name")] = "",
    picture: Annotated[Path | None, typer.Option(help="write the code here as SVG, for guns that read no QR")] = None,
    json: AsJson = False,
) -> None:
    """Show a code; the gun that scans it is the box's gun of that name from then on."""
    from provisioning.cli import device_look

    client = device_look.signed_in(dir, badge, pin)
    opened = client.post("/api/v1/devices/pair", {"name": name})
    if picture is not None:
        device_look.write_code(opened["code"], picture)
    if not json:
        device_look.show_code(opened["code"])
        typer.echo(f"Scan {opened['code']} with the new gun within {opened['left_s']} s; it becomes {opened['name']}.")
    done = device_look.await_pairing(client, opened)
    say.document(done, as_json=json, lines=[done["sentence"]])


@devices.command("unpair")
def unpair(name: Name, dir: Dir, badge: Badge, pin: Pin, json: AsJson = False) -> None:
    """Let a paired gun go; its socket may be another's."""
    from provisioning.cli import device_look

    device_look.signed_in(dir, badge, pin).post("/api/v1/devices/unpair", {"name": name})
    say.document({"name": name, "paired": False}, as_json=json, lines=[f"{name} waits for another gun."])


@scan.command("watch")
def watch(
    dir: Dir,
    badge: Badge,
    pin: Pin,
    count: Annotated[int, typer.Option(min=1, help="end after so many scans")] = 1,
    within: Annotated[float, typer.Option(min=0.1, help="or after so many seconds")] = 60.0,
    json: AsJson = False,
) -> None:
    """What the guns of a running box say, as it comes: how long, which symbology, how it ended; never what was read."""
    from provisioning.cli import device_look

    heard: list[dict[str, Any]] = []
    for one in device_look.scans(device_look.signed_in(dir, badge, pin), within):
        heard.append(one)
        if not json:
            typer.echo(one["sentence"])
        if len(heard) >= count:
            break
    if json:
        say.document({"scans": heard}, as_json=True)
    elif not heard:
        typer.echo("No gun said anything. Look at: waystation devices --dir DIR")
    say.end(say.FINE if len(heard) >= count else say.FAILED)


def doctor(dir: Dir, json: AsJson = False) -> None:
    """Look at all that a box and its devices need: settings, fonts, disk, clock, udev, rights, devices."""
    from provisioning.cli.doctor import examine

    found = examine(dir)
    lines = [
        f"{ {True: 'fine', False: 'TROUBLE', None: 'unknown'}[each['ok']]:8}{each['check']}: {each['sentence']}"
        + (f" {each['step']}" if each["step"] else "")
        for each in found["checks"]
    ]
    say.document(found, as_json=json, lines=lines)
    say.end(say.FINE if found["ok"] else say.FAILED)
