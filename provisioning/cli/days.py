"""`waystation demo`, `waystation bench`, and the stick: the commands that run for a while or carry files."""

from __future__ import annotations

import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from provisioning.bench import NAMES, run, takes
from provisioning.cli import say

STEP_PAUSE_S = 3.0
NO_PAUSE_SPEED = 10

Dir = Annotated[Path, typer.Option("--dir", help="the node's directory")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON document on stdout")]


def add_to(app: typer.Typer) -> None:
    app.command("demo")(demo)
    app.command("bench")(bench)
    app.command("export-batch")(export_batch)
    app.command("import-batch")(import_batch)


def demo(
    check: Annotated[
        bool, typer.Option("--check", help="play the scripted day without a browser and judge it")
    ] = False,
    dir: Annotated[
        Path | None, typer.Option(help="where everything is kept; without it a folder that goes again")
    ] = None,
    port: Annotated[int, typer.Option(help="port of the landing page; 0 lets the machine choose")] = 8080,
    seed: Annotated[int, typer.Option(help="draws people, patients and the day")] = 42,
    speed: Annotated[
        int, typer.Option(min=1, help="1 pauses 3 s before each step of the scripted day, 3 one second, 10 not at all")
    ] = 10,
    day: Annotated[str, typer.Option(help="which day to play")] = "courier",
    hub_store: Annotated[
        str, typer.Option(help="postgresql://… with empty tables for the hub; `own`: a PostgreSQL just for this")
    ] = "",
    json: AsJson = False,
) -> None:
    """A hub, a records room, two couriers, their devices and lines: a living hospital, all of it invented."""
    if day != "courier":
        say.stop(
            f"there is no day called {day}; there is: courier", code="demo.day", as_json=json, exit_code=say.WRONG_USE
        )
    with tempfile.TemporaryDirectory(prefix="waystation-demo-") as scratch:
        folder = dir or Path(scratch)
        with _tables(hub_store) as url:
            if check:
                say.end(_check(folder, seed, speed, json, url))
            _open(folder, port, seed, url)


@contextmanager
def _tables(hub_store: str) -> Iterator[str]:
    """The address of the hub's tables; a cluster of one's own ends with the demo."""
    if hub_store != "own":
        yield hub_store
        return
    from provisioning.making.cluster import Cluster

    cluster = Cluster(durable=True)
    try:
        cluster.start()
        yield cluster.new_tables()
    finally:
        cluster.stop()


def _tell(as_json: bool) -> Any:
    began = time.monotonic()

    def tell(line: str) -> None:
        sys.stderr.write(f"{time.monotonic() - began:6.1f} s  {line}\n")
        sys.stderr.flush()

    return (lambda line: None) if as_json else tell


def _paced(tell: Any, speed: int, line: str) -> None:
    """A step of the day is told, and a person who watches the screens is given time to look there."""
    tell(line)
    if speed < NO_PAUSE_SPEED:
        time.sleep(STEP_PAUSE_S / speed)


def _check(folder: Path, seed: int, speed: int, as_json: bool, hub_store: str) -> int:
    from provisioning.demo.day import CourierDay
    from provisioning.demo.judge import judge
    from provisioning.demo.stage import raise_stage

    tell = _tell(as_json)
    began = time.monotonic()
    stage = raise_stage(folder, seed, tell, hub_store)
    try:
        played = CourierDay(stage, seed, partial(_paced, tell, speed)).play()
    except (TimeoutError, AssertionError) as fault:
        say.document({"ok": False, "seed": seed, "stopped": str(fault)}, as_json=as_json,
                     lines=[f"seed {seed}: the day stopped: {fault}"])  # fmt: skip
        return say.FAILED
    finally:
        stage.close()
    tell("the judge looks")
    rulings = judge(folder, [(s.name, s.printer is not None) for s in stage.stations], played)
    held = all(ruling.held for ruling in rulings)
    played.figures["day_s"] = round(time.monotonic() - began, 1)
    say.document(
        {"ok": held, "seed": seed, "figures": played.figures,
         "rulings": [{"what": r.what, "held": r.held, "seen": r.seen} for r in rulings]},
        as_json=as_json,
        lines=[*(f"{'holds ' if r.held else 'BROKEN'}  {r.what}: {r.seen}" for r in rulings),
               *(f"        {name}: {value}" for name, value in played.figures.items())],
    )  # fmt: skip
    return say.FINE if held else say.FAILED


def _open(folder: Path, port: int, seed: int, hub_store: str) -> None:
    from provisioning.demo.landing import serve
    from provisioning.demo.stage import raise_stage

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stage = raise_stage(folder, seed, _tell(False), hub_store)
    try:
        landing = serve(stage, port)
        stage.extra["landing_url"] = landing.url
        stage.write_document()
        sys.stdout.write(f"\n  {landing.url}\n\n  Everything is invented. Ctrl-C stops it all.\n")
        sys.stdout.flush()
        while not stop.wait(0.5):
            pass
        landing.close()
    finally:
        stage.close()


def bench(
    name: Annotated[str, typer.Argument(help=", ".join(NAMES))],
    runs: Annotated[int, typer.Option(min=0, help="how often; 0: as often as a figure needs")] = 0,
    facts: Annotated[int, typer.Option(min=0, help="fewer facts: a quick look, no figure")] = 0,
    boxes: Annotated[int, typer.Option(min=0, help="fewer boxes: a quick look, no figure")] = 0,
    images: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="pictures, each with its answer in NAME.txt")
    ] = None,
    keep: Annotated[Path | None, typer.Option(help="a folder where made backlogs stay for later runs")] = None,
    json: AsJson = False,
) -> None:
    """Measure one thing as a ratio to a baseline of the same run."""
    asked = (("runs", runs), ("facts", facts), ("boxes", boxes), ("images", images), ("keep", keep))
    options: dict[str, Any] = {key: told for key, told in asked if told}
    if name not in NAMES or not takes(name, options):
        said = f"No benchmark of this name or with these options: {name}. There are {', '.join(NAMES)}."
        say.stop(said, code="bench.unknown", as_json=json, exit_code=say.WRONG_USE)
    # Whoever ends a benchmark ends the hub and broker that it started.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    found = run(name, **options)
    say.document(found, as_json=json, lines=[f"{k}: {v}" for part in ("ratios", "figures", "baseline")
                                             for k, v in found[part].items()])  # fmt: skip


def export_batch(dir: Dir, to: Annotated[Path, typer.Option(help="the stick's folder")], json: AsJson = False) -> None:
    """Write what a stopped box has not been signed for to a stick, sealed to the hub, and where its copies stand."""
    from provisioning.cli.stick import export

    made = export(dir, to)
    say.document(made, as_json=json, lines=[f"{made['facts']} facts in {made['file']}"])


def import_batch(
    dir: Dir,
    file: Annotated[Path, typer.Argument(help="a .way file")],
    user: Annotated[str, typer.Option(help="an administrator's user id; for a hub")] = "",
    password: Annotated[str, typer.Option(help="the password; for a hub")] = "",
    json: AsJson = False,
) -> None:
    """Give a stick's file to the running hub, or the hub's answer to a stopped box: it brings its lists up to date."""
    from provisioning.cli.stick import take

    taken = take(dir, file, user, password)
    say.document(taken, as_json=json, lines=[f"{k}: {v}" for k, v in taken.items()])
