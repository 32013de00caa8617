"""The commands. Each is a few lines: read the arguments, call the room that knows, say what came of it."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Annotated

import typer

from provisioning.cli import say
from provisioning.cli.sentences import sentence
from provisioning.trust.names import WORKERS_MAX
from sync.kernel.limits import EPOCH_MAX
from sync.kernel.outcome import PeerFault, Unavailable

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    help="Offline-first appliances for hospital records, and the hub they report to.",
)
hub_app = typer.Typer(no_args_is_help=True, help="The centre.")
appliance_app = typer.Typer(no_args_is_help=True, help="One box.")
app.add_typer(hub_app, name="hub")
app.add_typer(appliance_app, name="appliance")

Dir = Annotated[Path, typer.Option("--dir", help="the node's directory")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON document on stdout")]


@cache
def whole() -> typer.Typer:
    """The app with the commands of every room, added once a process."""
    from provisioning.cli import backups, days, devices, printing, simulating, trust, trying

    for room in (trust, backups, days, devices, simulating, printing, trying):
        room.add_to(app)
    return app


def run() -> None:
    """Run the command line; nobody sees a traceback who did not ask for one (`WAYSTATION_DEBUG=1`)."""
    try:
        whole()()
    except (PeerFault, Unavailable) as fault:
        if os.environ.get("WAYSTATION_DEBUG"):
            raise
        say.stop(sentence(fault.code, str(fault)), code=fault.code, as_json="--json" in sys.argv)


@hub_app.command("run")
def hub_run(
    dir: Dir,
    epoch: Annotated[
        int | None, typer.Option(min=1, max=EPOCH_MAX, help="above any epoch ever seen; where monotone.json is lost")
    ] = None,
    worker: Annotated[
        int, typer.Option(min=1, max=WORKERS_MAX, help="a further worker beside the first; needs PostgreSQL")
    ] = 1,
) -> None:
    """Run the hub that lives in a directory until it is told to stop."""
    stated = [] if epoch is None else ["--epoch", str(epoch)]
    stated += [] if worker == 1 else ["--worker", str(worker)]
    os.execv(sys.executable, [sys.executable, "-m", "hub", "--dir", str(dir), *stated])


@appliance_app.command("run")
def appliance_run(dir: Dir) -> None:
    """Run the box that lives in a directory until it is told to stop."""
    os.execv(sys.executable, [sys.executable, "-m", "appliance", "--dir", str(dir)])


@app.command()
def status(dir: Dir, json: AsJson = False) -> None:
    """Where a node stands: streams, outbox, feeds, paper."""
    from provisioning.cli import look

    found = look.status(dir)
    waiting = found["outbox"]["count"]
    say.document(
        found,
        as_json=json,
        lines=[
            f"{found.get('node', '')} {found.get('role', '')} {found.get('base_url', '')}".strip(),
            f"produced {sum(s['last'] for s in found['streams'])}, waiting here {waiting}",
            *(f"{label}: up to {feed['sseq']}" for label, feed in found["feeds"].items()),
        ],
    )


@app.command()
def facts(
    dir: Dir,
    entity: Annotated[str | None, typer.Option(help="TYPE/KEY, e.g. stay/00731846-2")] = None,
    json: AsJson = False,
) -> None:
    """What happened, in the order it was written."""
    from provisioning.cli import look

    named = look.entity_named(entity) if entity else None
    with look.database(dir) as conn:
        found = list(look.facts(conn, named))
    say.document(
        found, as_json=json, lines=[f"{f['id']}  {f.get('kind', f['status'])}  {f.get('actor') or ''}" for f in found]
    )


@app.command()
def explain(
    id: Annotated[str, typer.Argument(help="a fact id: node/incarnation/lane/seq")], dir: Dir, json: AsJson = False
) -> None:
    """What one fact says and where it went."""
    from provisioning.cli import look
    from sync.kernel.ids import parse_fact_id

    with look.database(dir) as conn:
        found = look.where(conn, parse_fact_id(id))
    say.document(found, as_json=json, lines=[f"{k}: {v}" for k, v in found.items()])
    say.end(say.FINE if found["held"] else say.FAILED)


@app.command()
def verify(
    dir: Annotated[list[Path], typer.Option("--dir", help="a node's directory; give several to compare them")],
    json: AsJson = False,
) -> None:
    """Chains, signatures, produced = received: checked by the one-file verifier in a process of its own."""
    program = Path(__file__).parent.parent / "verifier" / "waystation_verify.py"
    from provisioning.making.places import for_verifier, verifier_environment

    nodes = [part for each in dir for part in ("--node", for_verifier(each))]
    done = subprocess.run(
        [sys.executable, "-I", str(program), *nodes, *(["--json"] if json else [])], check=False,
        env=verifier_environment(dir),
    )  # fmt: skip
    say.end(done.returncode)


@app.command()
def rebuild(dir: Dir, json: AsJson = False) -> None:
    """Drop the query tables of a stopped node and make them again from its facts."""
    from provisioning.cli.rebuilding import rebuild as again

    found = again(dir)
    say.document(
        found,
        as_json=json,
        lines=[
            f"{found['entities']} entities projected again; "
            f"{'nothing differed' if found['same'] else 'tables differed and are right now'}"
        ],
    )
