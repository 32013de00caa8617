"""`waystation provision …`: a site's authority, one-time cards, joining, shutting out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provisioning.cli import say

Dir = Annotated[Path, typer.Option("--dir", help="the node's directory")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON document on stdout")]
User = Annotated[str, typer.Option("--user", help="an administrator's user id at the hub")]
Password = Annotated[str, typer.Option("--password", prompt=True, hide_input=True, help="the password")]

provision = typer.Typer(no_args_is_help=True, help="Authority, cards, joining, shutting out.")


def add_to(app: typer.Typer) -> None:
    app.add_typer(provision, name="provision")


@provision.command("hub")
def hub(
    dir: Dir,
    admin_password: Annotated[str, typer.Option(prompt=True, hide_input=True, help="the first administrator's")],
    site: Annotated[str, typer.Option(help="short name of the site")] = "site",
    name: Annotated[str, typer.Option(help="the hospital's name")] = "",
    admin: Annotated[str, typer.Option(help="user id of the first administrator")] = "u-admin",
    host: Annotated[list[str] | None, typer.Option(help="further names or addresses of the hub")] = None,
    suite: Annotated[int, typer.Option(min=1, max=2, help="1 international, 2 national (SM2, SM3, SM4); for good")] = 1,
    json: AsJson = False,
) -> None:
    """Make a new site: root key, hub keys, settings, the first administrator."""
    from provisioning.making.directories import make_hub

    made = make_hub(dir, site=site, name=name, hosts=host or (), admin=admin, password=admin_password, suite=suite)
    say.document(made, as_json=json, lines=[f"{made['node']} is ready: waystation hub run --dir {dir}"])


@provision.command("card")
def card(
    dir: Dir,
    role: Annotated[str, typer.Option(help="courier or records")],
    user: User,
    password: Password,
    name: Annotated[str, typer.Option(help="what people call the box")] = "",
    ward: Annotated[list[str] | None, typer.Option(help="ward of a courier's round; several may be given")] = None,
    json: AsJson = False,
) -> None:
    """A one-time card from the running hub in DIR: good for 24 h, one site, one role."""
    from provisioning.making.client import HubClient

    client = HubClient.of(dir, user, password)
    made = client.post("/api/v1/cards", {"role": role, "name": name or role, "wards": ward or []})
    say.document(
        made, as_json=json, lines=[made["card"], "Scan it with the new box's gun, or give it to provision enrol."]
    )


@provision.command("enrol")
def enrol(dir: Dir, card: Annotated[str, typer.Option(help="the card's text")], json: AsJson = False) -> None:
    """Make DIR a box of the card's site: keys are made here, certificates come from the hub."""
    from provisioning.making.directories import enrol_box

    made = enrol_box(dir, card)
    say.document(made, as_json=json, lines=[f"{made['node']} has joined {made['site']}: {' '.join(made['phrase'])}"])


@provision.command("node")
def node(
    hub: Annotated[Path, typer.Option(help="the running hub's directory")],
    dir: Dir,
    role: Annotated[str, typer.Option(help="courier or records")],
    user: User,
    password: Password,
    name: Annotated[str, typer.Option(help="what people call the box")] = "",
    ward: Annotated[list[str] | None, typer.Option(help="ward of a courier's round")] = None,
    json: AsJson = False,
) -> None:
    """Card and joining in one step, for a box on the hub's own machine."""
    from provisioning.making.client import HubClient
    from provisioning.making.directories import enrol_box

    client = HubClient.of(hub, user, password)
    made = client.post("/api/v1/cards", {"role": role, "name": name or role, "wards": ward or []})
    joined = enrol_box(dir, made["card"])
    say.document(joined, as_json=json, lines=[f"{joined['node']} has joined {joined['site']}"])


@provision.command("renew")
def renew(dir: Dir, json: AsJson = False) -> None:
    """Give the box in DIR another signing key: it goes over to it when it next greets the hub, and works meanwhile."""
    from provisioning.making.directories import renew_box

    made = renew_box(dir)
    say.document(made, as_json=json, lines=[f"{made['node']} goes over to key {made['next']} when it greets the hub"])


@provision.command("hub-key")
def hub_key(
    dir: Dir,
    user: User,
    password: Password,
    on: Annotated[str, typer.Option("--from", help="the day it begins, YYYY-MM-DD; else the first possible one")] = "",
    json: AsJson = False,
) -> None:
    """Give the running hub in DIR another signing key, from a day at least 14 days ahead; boxes are told now."""
    from provisioning.making.client import HubClient

    done = HubClient.of(dir, user, password).post("/api/v1/hub-key", {"from": on} if on else {})
    lines = [f"The hub signs with key {done['key']} from {done['from']} on; until then with the one it has."]
    if not (dir / "keys" / "recovery.pub").exists():
        lines.append("No copy of the hub's keys lies anywhere else, and without this one the hub cannot start after "
                     "that day. Make a recovery key: waystation backup key --dir DIR --to FILE")  # fmt: skip
    say.document(done, as_json=json, lines=lines)


@provision.command("revoke")
def revoke(
    hub: Annotated[Path, typer.Option(help="the running hub's directory")],
    node: Annotated[str, typer.Argument(help="node id")],
    user: User,
    password: Password,
    reason: Annotated[str, typer.Option(help="why")] = "lost",
    json: AsJson = False,
) -> None:
    """Shut a machine out on every path; what it wrote before stays."""
    from provisioning.making.client import HubClient

    done = HubClient.of(hub, user, password).post(f"/api/v1/nodes/{node}/revoke", {"reason": reason})
    say.document(done, as_json=json, lines=[f"{node} is shut out"])
