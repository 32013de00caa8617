"""Each planted bug's first seed, found anew and written down: a file for all of them, and the table."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from provisioning.simulator.plants import FOLDER, load, names
from provisioning.simulator.search import search

FILE = FOLDER / "found.toml"
PAGE = FOLDER / "PLANTS.md"
HEAD = "| plant | seed | broken | what is wrong then |\n|---|---|---|---|\n"


@dataclass(frozen=True, slots=True)
class Caught:
    """The lowest seed that shows a planted bug, and the invariant that breaks there."""

    seed: int
    broken: str


def recorded() -> dict[str, Caught]:
    """What the file says, by plant."""
    with FILE.open("rb") as file:
        return {name: Caught(row["seed"], row["broken"]) for name, row in tomllib.load(file).items()}


def hunt(
    wanted: Iterable[str],
    first: int,
    beyond: int,
    heard: Callable[[str, Caught | None], None] = lambda name, caught: None,
) -> dict[str, Caught | None]:
    """Look for each of these bugs from seed `first` to before `beyond`. None: not found there."""
    hunted: dict[str, Caught | None] = {}
    for name in wanted:
        breach = search(first, beyond, plant=name, shrinks=False).breach
        caught = None if breach is None or breach.breach is None else Caught(breach.plan.seed, breach.breach[0])
        hunted[name] = caught
        heard(name, caught)
    return hunted


def write(hunted: Mapping[str, Caught | None]) -> None:
    """Put what was found into the file and the table; the plants that were not looked for keep their seed."""
    known = {**(recorded() if FILE.exists() else {}), **{name: one for name, one in hunted.items() if one is not None}}
    kept = {name: known[name] for name in names() if name in known}
    lines = [f'{name} = {{ seed = {one.seed}, broken = "{one.broken}" }}\n' for name, one in kept.items()]
    FILE.write_text("# Written by `waystation simulate --find-plants`.\n" + "".join(lines), encoding="utf-8")
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8"), kept), encoding="utf-8")


def with_table(page: str, caught: Mapping[str, Caught]) -> str:
    """The page with its table made anew."""
    before, _, rest = page.partition(HEAD)
    after = rest.partition("\n\n")[2]
    return f"{before}{HEAD}{_rows(caught)}\n{after}"


def _rows(caught: Mapping[str, Caught]) -> str:
    return "".join(
        f"| `{name}` | {one.seed} | {one.broken} | {(load(name).__doc__ or '').strip().rstrip('.')} |\n"
        for name, one in sorted(caught.items())
    )
