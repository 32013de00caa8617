"""`waystation simulate`: whole sites in virtual time, a seed a schedule."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from provisioning.cli import say

if TYPE_CHECKING:
    from provisioning.simulator.search import Found

EVERY = 100


def add_to(app: typer.Typer) -> None:
    app.command("simulate")(simulate)


def simulate(
    seeds: Annotated[
        str | None, typer.Option(help="A:B, the schedules from A to before B (0:100; for --find-plants 0:2000)")
    ] = None,
    plant: Annotated[str | None, typer.Option(help="put this bug into the product first")] = None,
    steps: Annotated[bool, typer.Option("--steps", help="print every step on standard error")] = False,
    find_plants: Annotated[
        bool, typer.Option("--find-plants", help="look for the first seed of every known bug and write it down")
    ] = False,
    processes: Annotated[int, typer.Option(min=1, max=64, help="how many processors to use")] = 1,
    resume: Annotated[
        Path | None, typer.Option(help="a file that remembers how far a search of these seeds came; it goes on there")
    ] = None,
    long: Annotated[
        bool, typer.Option("--long", help="fail on a crash point that is never hit; so does a search of 20,000 or more")
    ] = False,
    save: Annotated[Path | None, typer.Option(help="write the smallest schedule that breaks something here")] = None,
    replay: Annotated[Path | None, typer.Option(help="play the schedule of such a file, and nothing else")] = None,
    shrink: Annotated[bool, typer.Option(help="make a schedule that breaks something as small as it goes")] = True,
    json: Annotated[bool, typer.Option("--json", help="one JSON document on stdout")] = False,
) -> None:
    """Hub and boxes in one process under a drawn weather, then calm; every invariant is checked at rest."""
    from provisioning.simulator.plants import names
    from provisioning.simulator.search import LONG, kept_of, search
    from provisioning.simulator.search import save as save_to

    span = _span(seeds or ("0:2000" if find_plants else "0:100"))
    if span is None:
        say.stop("Seeds are two numbers: A:B.", code="simulate.seeds", as_json=json, exit_code=say.WRONG_USE)
    if plant is not None and plant not in names():
        known = ", ".join(names()) or "none here"
        say.stop(
            f"There is no bug called {plant}; there are: {known}", code="plant.unknown", as_json=json,
            exit_code=say.WRONG_USE,
        )  # fmt: skip

    def tell(line: str) -> None:
        sys.stderr.write(line + "\n")

    if find_plants:
        _find(names() if plant is None else [plant], span, as_json=json)

    if replay is not None:
        _replay(replay, plant, tell if steps else None, as_json=json)
    began = time.monotonic()

    def heard(seed: int, sofar: Found) -> None:
        if sofar.schedules % EVERY == 0 and not json:
            rate = 60 * (seed + 1 - span[0] - held) / (time.monotonic() - began)
            tell(f"{sofar.schedules} of {span[1] - span[0]} schedules, {rate:.0f} a minute")

    try:
        held = kept_of(resume, *span, plant)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        say.stop("No search is in that file.", code="simulate.resume", as_json=json, exit_code=say.WRONG_USE)
    found = search(
        *span, plant=plant, shrinks=shrink, processes=1 if steps else processes, kept=resume, heard=heard,
        hear=tell if steps else None,
    )  # fmt: skip
    if save is not None and found.breach is not None:
        save_to(found, save)
    is_long = long or span[1] - span[0] >= LONG
    say.document(found.document(), as_json=json, lines=_lines(found))
    say.end(say.FAILED if found.breach is not None or (is_long and found.never_crashed) else say.FINE)


def _replay(path: Path, plant: str | None, hear: Callable[[str], None] | None, *, as_json: bool) -> NoReturn:
    """Exit 1 when the schedule breaks something, 2 when there is no such schedule."""
    from provisioning.simulator.plants import planted
    from provisioning.simulator.run import run
    from provisioning.simulator.saved import load
    from provisioning.simulator.search import told

    try:
        plan = load(path)
    except (OSError, ValueError):
        say.stop("No schedule is in that file.", code="simulate.file", as_json=as_json, exit_code=say.WRONG_USE)
    with planted(plant):
        outcome = run(plan, hear=hear)
    breach = None if outcome.breach is None else told(outcome)
    lines = ["nothing is broken" if outcome.breach is None else f"broken: {': '.join(outcome.breach)}"]
    say.document({"trace": outcome.trace, "steps": outcome.steps, "breach": breach}, as_json=as_json, lines=lines)
    say.end(say.FINE if breach is None else say.FAILED)


def _find(wanted: list[str], span: tuple[int, int], *, as_json: bool) -> NoReturn:
    """Exit 1 when a bug is not found in the span."""
    from provisioning.simulator.hunt import Caught, hunt, write

    def heard(name: str, caught: Caught | None) -> None:
        if not as_json:
            sys.stderr.write(f"{name}: {'not found' if caught is None else f'{caught.by} ({caught.broken})'}\n")

    hunted = hunt(wanted, *span, heard)
    write(hunted)
    missed = sorted(name for name, caught in hunted.items() if caught is None)
    found = {name: {"by": one.by, "broken": one.broken} for name, one in hunted.items() if one is not None}
    lines = [f"{len(found)} of {len(hunted)} found", *(f"not found: {name}" for name in missed)]
    say.document({"found": found, "missed": missed}, as_json=as_json, lines=lines)
    say.end(say.FAILED if missed else say.FINE)


def _span(seeds: str) -> tuple[int, int] | None:
    first, _, beyond = seeds.partition(":")
    if not (first.isascii() and first.isdigit() and beyond.isascii() and beyond.isdigit()):
        return None
    return (int(first), int(beyond)) if int(first) < int(beyond) else None


def _lines(found: Found) -> list[str]:
    told = found.document()
    lines = [
        f"{told['schedules']} schedules, {told['steps']} steps, {told['steps_per_s']} steps/s, "
        f"{told['schedules_per_min']} schedules a minute",
        "faults: " + ", ".join(f"{name} {n}" for name, n in told["faults"].items()),
        f"crash points hit: {told['crash_points']['hit']} of {told['crash_points']['of']} (passed, died there):",
        *(f"  {row['point']} {row['passed']} {row['died']}" for row in told["points"] if row["passed"]),
    ]
    lines += [f"crashed at in {where}: {step}" for step, where in told["crashed_elsewhere"].items()]
    if told["never_crashed"]:
        lines.append("never crashed at: " + ", ".join(told["never_crashed"]))
    lines += [f"not looked at: {name} ({why})" for name, why in told["not_yet_covered"].items()]
    for title, breach in (("broken", told["breach"]), ("smallest that breaks it", told["smallest"])):
        if breach is not None:
            lines += [
                f"{title}: {breach['invariant']} at seed {breach['seed']}: {breach['finding']}",
                f"  faults: {', '.join(breach['faults']) or 'none'}",
                *(f"  {step}" for step in (breach["last_steps"] if title == "broken" else breach["events"])),
            ]
    return lines
