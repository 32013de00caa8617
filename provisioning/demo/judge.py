"""The judge of a played day: it believes twins and databases, read by the one-file verifier, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioning.demo.day import BACKFILLED, RECORDS, UNDONE, Played
from provisioning.making.places import for_verifier, verifier_environment

VERIFIER = Path(__file__).parent.parent / "verifier" / "waystation_verify.py"


@dataclass(frozen=True, slots=True)
class Ruling:
    """One thing that must hold, and what was seen."""

    what: str
    held: bool
    seen: str


def judge(directory: Path, stations: list[tuple[str, bool]], played: Played) -> list[Ruling]:
    """`stations`: (folder name, has a receipt printer). The nodes must have stopped."""
    verdict = verify([directory / "hub", *(directory / name for name, _ in stations)])
    hub: dict[str, Any] = next((node for node in verdict["nodes"] if node["hub"]), {})
    boxes = [node for node in verdict["nodes"] if not node["hub"]]
    expected = RECORDS + 1 + UNDONE
    rulings = [
        Ruling("chains and signatures verify", not any(n["faults"] for n in verdict["nodes"]), _first_fault(verdict)),
        Ruling("produced = received", not verdict["across"], "; ".join(verdict["across"][:3]) or "equal"),
        Ruling(
            "ledgers are equal",
            all(b["produced"] == b["acknowledged"] for b in boxes),
            ", ".join(f"{b['acknowledged']}/{b['produced']}" for b in boxes),
        ),
        Ruling(
            "every acknowledged scan is at the hub once",
            hub.get("collections") == expected,
            f"{hub.get('collections')} of {expected} ({RECORDS} records, 1 by both couriers, {UNDONE} undone)",
        ),
        Ruling(
            "the lost batch came back from paper",
            played.figures.get("rebuilt", 0) > 0,
            f"{played.figures.get('rebuilt')} records",
        ),
        Ruling("back-filled records are marked", hub.get("backfilled") == BACKFILLED, str(hub.get("backfilled"))),
    ]
    rulings += [paper(directory / name / "slips") for name, printer in stations if printer]
    rulings.append(labels(directory))
    if "office_page" in played.figures:
        rulings.append(sheets(directory / "records-room" / "sheets" / "sheets.jsonl", played.figures["office_page"]))
    return rulings


def verify(directories: list[Path]) -> dict[str, Any]:
    """The stand-alone verifier's document over node directories."""
    nodes = [part for directory in directories for part in ("--node", for_verifier(directory))]
    done = subprocess.run(
        [sys.executable, "-I", str(VERIFIER), "--json", *nodes], check=False, capture_output=True,
        env=verifier_environment(directories),
    )  # fmt: skip
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def paper(slips: Path) -> Ruling:
    """No two slips with the same codes unless one says that it is a reprint."""
    seen: Counter[str] = Counter()
    n = 0
    for slip in _journal(slips / "slips.jsonl"):
        n += 1
        marked = any("REPRINT" in line for line in slip["text_lines"])
        if not marked and slip["complete"]:
            seen.update(slip["qr_texts"][:1])
    twice = sum(1 for times in seen.values() if times > 1)
    return Ruling(f"no slip twice unmarked ({slips.parent.name})", n > 0 and twice == 0, f"{n} slips, {twice} twice")


def sheets(journal: Path, state: str) -> Ruling:
    """The page that was wanted on the office printer, read back from its tray."""
    sides = [side for sheet in _journal(journal) for side in sheet["sides"] if side]
    return Ruling("the office page came out once", len(sides) == 1 and state == "confirmed", f"{len(sides)}, {state}")


def labels(directory: Path) -> Ruling:
    """Every cover label once: a reprint says so on itself, so equal bytes twice are an unmarked double."""
    came = _journal(directory / "records-room" / "labels" / "labels.jsonl")
    sent = Counter(entry["bytes"] for entry in came if entry["complete"])
    twice = sum(1 for times in sent.values() if times > 1)
    return Ruling("no label twice unmarked", twice == 0, f"{sum(sent.values())} labels, {twice} twice")


def _journal(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]


def _first_fault(verdict: dict[str, Any]) -> str:
    faults = [f"{n['node']}: {n['faults'][0]}" for n in verdict["nodes"] if n["faults"]]
    signed = sum(n["signatures"] for n in verdict["nodes"])
    return faults[0] if faults else f"{sum(n['facts'] for n in verdict['nodes'])} facts, {signed} signatures"
