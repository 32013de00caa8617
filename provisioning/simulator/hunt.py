"""Each planted bug's first seed, found anew and written down: a file for all of them, and the table.

A bug that hardly any weather meets names a saved schedule instead (`SCHEDULE` in its module): the one that a defect of
the product was found by, and that shows it again when the mending is taken away.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from provisioning.simulator.plants import FOLDER, load, names, planted
from provisioning.simulator.run import run
from provisioning.simulator.saved import load as read_schedule
from provisioning.simulator.search import search

FILE = FOLDER / "found.toml"
PAGE = FOLDER / "PLANTS.md"
SAVED = FOLDER.with_name("regressions")
HEAD = "| plant | seed or saved schedule | broken | what is wrong then |\n|---|---|---|---|\n"


@dataclass(frozen=True, slots=True)
class Caught:
    """The lowest seed, or the saved schedule, that shows a planted bug, and the invariant that breaks there."""

    by: int | str
    broken: str


def recorded() -> dict[str, Caught]:
    """What the file says, by plant."""
    with FILE.open("rb") as file:
        return {name: Caught(row["by"], row["broken"]) for name, row in tomllib.load(file).items()}


def hunt(
    wanted: Iterable[str],
    first: int,
    beyond: int,
    heard: Callable[[str, Caught | None], None] = lambda name, caught: None,
) -> dict[str, Caught | None]:
    """Look for each of these bugs from seed `first` to before `beyond`. None: not found there."""
    hunted: dict[str, Caught | None] = {}
    for name in wanted:
        caught = _by_saved(name) if saved_for(name) else _by_seeds(name, first, beyond)
        hunted[name] = caught
        heard(name, caught)
    return hunted


def saved_for(name: str) -> Path | None:
    """The saved schedule that a plant names."""
    schedule = getattr(load(name), "SCHEDULE", None)
    return None if schedule is None else SAVED / f"{schedule}.json"


def _by_saved(name: str) -> Caught | None:
    path = saved_for(name)
    assert path is not None
    with planted(name):
        breach = run(read_schedule(path)).breach
    return None if breach is None else Caught(path.stem, breach[0])


def _by_seeds(name: str, first: int, beyond: int) -> Caught | None:
    found = search(first, beyond, plant=name, shrinks=False).breach
    return None if found is None or found.breach is None else Caught(found.plan.seed, found.breach[0])


def write(hunted: Mapping[str, Caught | None]) -> None:
    """Put what was found into the file and the table; the plants that were not looked for keep their seed."""
    known = {**(recorded() if FILE.exists() else {}), **{name: one for name, one in hunted.items() if one is not None}}
    kept = {name: known[name] for name in names() if name in known}
    lines = [
        f"{name} = {{ by = {json.dumps(one.by)}, broken = {json.dumps(one.broken)} }}\n" for name, one in kept.items()
    ]
    FILE.write_text("# Written by `waystation simulate --find-plants`.\n" + "".join(lines), encoding="utf-8")
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8"), kept), encoding="utf-8")


def with_table(page: str, caught: Mapping[str, Caught]) -> str:
    """The page with its table made anew."""
    before, _, rest = page.partition(HEAD)
    after = rest.partition("\n\n")[2]
    return f"{before}{HEAD}{_rows(caught)}\n{after}"


def _rows(caught: Mapping[str, Caught]) -> str:
    return "".join(
        f"| `{name}` | {_told(one.by)} | {one.broken} | {(load(name).__doc__ or '').strip().rstrip('.')} |\n"
        for name, one in sorted(caught.items())
    )


def _told(by: int | str) -> str:
    return str(by) if isinstance(by, int) else f"`{by}`"
