"""`waystation simulate`: whole sites in virtual time, a seed a schedule."""

from __future__ import annotations

import sys
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
    shrink: Annotated[bool, typer.Option(help="make a schedule that breaks something as small as it goes")] = True,
    json: Annotated[bool, typer.Option("--json", help="one JSON document on stdout")] = False,
) -> None:
    """Hub and boxes in one process under a drawn weather, then calm; every invariant is checked at rest."""
    from provisioning.simulator.plants import names
    from provisioning.simulator.search import search

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

    def heard(seed: int, _outcome: object) -> None:
        if (seed + 1) % EVERY == 0 and not json:
            tell(f"{seed + 1 - span[0]} of {span[1] - span[0]} schedules")

    found = search(*span, plant=plant, shrinks=shrink, heard=heard, hear=tell if steps else None)
    say.document(found.document(), as_json=json, lines=_lines(found))
    say.end(say.FINE if found.breach is None else say.FAILED)


def _find(wanted: list[str], span: tuple[int, int], *, as_json: bool) -> NoReturn:
    """Exit 1 when a bug is not found in the span."""
    from provisioning.simulator.hunt import Caught, hunt, write

    def heard(name: str, caught: Caught | None) -> None:
        if not as_json:
            sys.stderr.write(f"{name}: {'not found' if caught is None else f'{caught.seed} ({caught.broken})'}\n")

    hunted = hunt(wanted, *span, heard)
    write(hunted)
    missed = sorted(name for name, caught in hunted.items() if caught is None)
    found = {name: {"seed": one.seed, "broken": one.broken} for name, one in hunted.items() if one is not None}
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
        f"crash points hit: {told['crash_points']['hit']} of {told['crash_points']['of']}",
    ]
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
