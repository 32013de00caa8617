"""Writes docs/reference: settings, kinds of facts, state machines, usage and commands, each from what the program says.

`--check` writes nothing and fails when a page is not what the program says. Commands are run on an invented hospital,
so their page is written only with `--commands` (`make reference`), and a test holds its keys against a new run.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "docs/reference"
WRITTEN = "Written by `make reference`; do not edit."
LANES = {0: "control", 1: "live", 2: "bulk"}
LIST_SHOWN = 2
"""Elements of a list that an example shows."""


def settings_page() -> str:
    from appliance.settings import Settings as Appliance
    from hub.settings import Settings as Hub

    lines = [
        "# Settings",
        "",
        f"{WRITTEN} A node reads `settings.toml` in its directory, then the environment: "
        "`WAYSTATION_SECTION__KEY=value`. A key that is not here is refused, with the nearest one that is.",
    ]
    for title, model in (("Hub", Hub), ("Appliance", Appliance)):
        lines += ["", f"## {title}"]
        for section, info in model.model_fields.items():
            lines += ["", f"### `[{section}]`", ""]
            if info.description:
                lines += [f"{_first_upper(info.description)}.", ""]
            lines += ["| key | type | default | meaning |", "|---|---|---|---|"]
            lines += [
                f"| `{key}` | {kind} | {default} | {says} |" for key, kind, default, says in _keys(info.annotation)
            ]
    return "\n".join(lines) + "\n"


def _keys(model: Any, prefix: str = "") -> Iterator[tuple[str, str, str, str]]:
    """(key, type, default, meaning); tables inside a section with their name before the key."""
    for name, info in model.model_fields.items():
        inner = info.annotation
        several = next((arg for arg in getattr(inner, "__args__", ()) if _is_model(arg)), None)
        if _is_model(inner):
            yield from _keys(inner, f"{prefix}{name}.")
        elif several is not None:
            yield f"{prefix}{name}", "tables", "none", info.description or ""
            yield from _keys(several, f"{prefix}{name}[].")
        else:
            default = "needed" if info.is_required() else f"`{json.dumps(info.default)}`"
            yield f"{prefix}{name}", _type(inner), default, (info.description or "").replace("|", "\\|")


def _is_model(one: Any) -> bool:
    return isinstance(one, type) and issubclass(one, BaseModel)


def _type(annotation: Any) -> str:
    told = (
        annotation.__name__ if isinstance(annotation, type) and not hasattr(annotation, "__args__") else str(annotation)
    )
    told = told.replace("typing.", "").replace("Literal[", "one of [").replace(", ...", ", …")
    return f"`{told}`"


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def kinds_page() -> str:
    from sync.catalog import ENTITY_TYPES, KINDS

    lines = [
        "# Facts and what they are about",
        "",
        f"{WRITTEN} Every fact has a kind; every kind belongs to one type of entity. Where a type is placed says which "
        "machines hold it; a type that is placed nowhere stays at the hub.",
        "",
        "## Entity types",
        "",
        "| number | type | law of its fold | fold version | placed in |",
        "|---|---|---|---|---|",
    ]
    for row in ENTITY_TYPES.values():
        lines.append(f"| {row.number} | {row.name} | {row.law} | {row.fold_version} | {_placed(row)} |")
    lines += [
        "",
        "## Kinds",
        "",
        "| number | kind | version | about | lane | written by | folded |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind in sorted(KINDS.values(), key=lambda one: one.number):
        about = ENTITY_TYPES[kind.etype].name
        writers = ", ".join(sorted(kind.writers))
        folded = "yes" if kind.folded else "no"
        lines.append(
            f"| {kind.number} | {kind.name} | {kind.version} | {about} | {LANES[kind.lane]} | {writers} | {folded} |"
        )
    return "\n".join(lines) + "\n"


def _placed(row: Any) -> str:
    """Placing asks the state; the one type whose place moves is shown in each of its states."""
    from sync.domain.patients import due

    if row.initial is due.Due:
        told = []
        for status in (due.OPEN, due.WITHDRAWN, due.CLOSED):
            labels = row.place(due.Due(status=status, ward="WARD"))
            told.append(f"{status}: {_labels(labels).replace('WARD', '*ward*')}")
        return "; ".join(told)
    return _labels(row.place(row.initial()))


def _labels(labels: frozenset[str]) -> str:
    return ", ".join(sorted(labels)) or "nowhere else"


def machines_page() -> str:
    from sync.domain.fleet.fold import NODE_MACHINE
    from sync.domain.patients.due import DUE_MACHINE
    from sync.domain.tracking.handins import HANDIN_MACHINE
    from sync.domain.tracking.rounds import ROUND_MACHINE
    from sync.domain.tracking.standing import STANDING
    from sync.merge.machine import Table, diagram, states
    from sync.protocol.lease_states import LEASE
    from sync.protocol.states import OUTBOUND, SESSION, mermaid

    of_entities: tuple[tuple[str, str, Table], ...] = (
        ("Standing of a stay", "What the hospital's system says of the patient; paper is beside it.", STANDING),
        ("Line of the due list", "Whether a record waits on its ward.", DUE_MACHINE),
        ("Round", "One courier at one ward.", ROUND_MACHINE),
        ("Hand-in", "One courier at the counter of the records room.", HANDIN_MACHINE),
        ("Machine", "A node, from its card to its end.", NODE_MACHINE),
    )
    of_protocol = (
        ("Session of an appliance", "What a box has with its hub, over whichever carrier.", SESSION),
        ("Outbound stream", "One run of a box's own facts on its way into the hub's log.", OUTBOUND),
        ("Lease", "The hub's promise, as the box that holds it keeps it.", LEASE),
    )
    lines = [
        "# State machines",
        "",
        f"{WRITTEN} Each picture is drawn from the table that the program asks; a word that a state has no arrow for "
        "changes nothing.",
    ]
    for title, says, table in of_entities:
        lines += ["", f"## {title}", "", says, "", "```mermaid", diagram(table, states(table)[0]).rstrip(), "```"]
    for title, says, protocol_table in of_protocol:
        lines += ["", f"## {title}", "", says, "", "```mermaid", mermaid(protocol_table).rstrip(), "```"]
    return "\n".join(lines) + "\n"


def usage_page() -> str:
    from provisioning.cli.usage import usages

    lines = ["# What can be asked for", "", f"{WRITTEN} What each answers: [commands](commands.md). Exit 0: fine; 1: "
             "failed; 2: used wrongly; 3: partly done."]  # fmt: skip
    for each in usages():
        lines += [
            "",
            f"## `{each.words}`",
            "",
            each.says,
            "",
            "| argument, option | needed, or default | meaning |",
            "|---|---|---|",
        ]
        for one in each.asked:
            need = "needed" if one.needed else f"`{one.fallback}`" if one.fallback else ""
            lines.append(f"| `{one.name}` | {need} | {one.says} |")
    return "\n".join(lines) + "\n"


class Runs:
    """Commands run one after the other on an invented hospital; `told` keeps what each said."""

    def __init__(self, hidden: Mapping[str, str]) -> None:
        self._hidden = dict(hidden)
        self.told: list[tuple[str, str, Any]] = []

    def run(self, says: str, *words: str, wait_s: float = 600, codes: tuple[int, ...] = (0, 3)) -> Any:
        """`codes`: how it may end; a doctor may find this machine wanting and has answered all the same."""
        done = subprocess.run(
            [sys.executable, "-c", "from provisioning.cli import main; main()", *words, "--json"],
            capture_output=True, check=False, timeout=wait_s, cwd=ROOT,
        )  # fmt: skip
        if not done.stdout or done.returncode not in codes:
            raise RuntimeError(f"{words[0]}: {done.stdout.decode()[-400:]} {done.stderr.decode()[-400:]}")
        answer = json.loads(done.stdout)
        self.told.append((self._plain(shlex.join(["waystation", *words, "--json"])), says, answer))
        return answer

    def hide(self, text: str, name: str) -> None:
        self._hidden[text] = name

    def _plain(self, text: str) -> str:
        for place, name in self._hidden.items():
            text = text.replace(place, name)
        return text

    def page(self) -> str:
        lines = [
            "# Commands",
            "",
            f"{WRITTEN} Every command takes `--json` and then prints one document. Exit 0: fine; 1: failed; 2: used "
            "wrongly; 3: partly done. Options: [usage](usage.md). Long lists are shortened here; all is invented.",
        ]
        for command, says, answer in self.told:
            shown = self._plain(json.dumps(shortened(answer), ensure_ascii=False, indent=1, sort_keys=True))
            lines += ["", f"## {title(command)}", "", says, "", "```sh", command, "```", "",
                      "```json", shown, "```"]  # fmt: skip
        return "\n".join(lines) + "\n"


GROUPS = ("provision", "bench", "backup", "scan", "print", "speak", "devices")


def title(command: str) -> str:
    """The command's own words, without options and values."""
    _, first, second, *_ = shlex.split(command)
    return f"{first} {second}" if first in GROUPS and not second.startswith("--") else first


def shortened(value: Any) -> Any:
    """The first elements of each list, and of texts what fits a line."""
    if isinstance(value, dict):
        return {key: shortened(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shortened(one) for one in value[:LIST_SHOWN]]
    return value[:76] + "…" if isinstance(value, str) and len(value) > 77 else value


def commands(stage: Any, scratch: Path, *, quick: bool) -> Runs:
    """Run every command on a running stage; its second courier is stopped and shut out. `quick` leaves the days out."""
    from provisioning.making.client import HubClient

    hub, box = stage.hub.directory, stage.station("courier-2").directory
    place, safe = scratch / "place", scratch / "recovery.key"
    place.mkdir(parents=True)
    runs = Runs({str(place): "PLACE", str(safe): "SAFE/recovery.key", str(hub): "HUB", str(box): "BOX",
                 str(stage.station("records-room").directory): "ROOM",
                 str(stage.directory): "DEMO", str(scratch): "STICK", stage.password: "PASSWORD"})  # fmt: skip
    who = ("--user", "u-admin", "--password", stage.password)
    key = stage.admin().get("/api/v1/records", state="discharged")["records"][0]
    stay = f"stay/{key['record_no']}-{key['stay_no']}"
    runs.run(
        "Where a box stands: its streams, what waits, which lists it carries, its paper.", "status", "--dir", str(box)
    )
    runs.run("Where the hub stands: every machine and how much of it is here.", "status", "--dir", str(hub))
    found = runs.run("What happened to one record.", "facts", "--dir", str(hub), "--entity", stay)
    runs.run("What one fact says and where it went.", "explain", found[0]["id"], "--dir", str(hub))
    of_devices(runs, stage, box)
    runs.run("A new site: authority, keys, settings, the first administrator.", "provision", "hub", "--dir",
             str(scratch / "another"), "--admin-password", "an invented password", "--site", "xinghe")  # fmt: skip
    card = runs.run("A one-time card.", "provision", "card", "--dir", str(hub), "--role", "courier", "--name", "spare",
                    "--ward", "W01", *who)  # fmt: skip
    runs.hide(card["card"], "CARD")
    runs.run("A box joins with its card.", "provision", "enrol", "--dir", str(scratch / "spare"), "--card",
             card["card"])  # fmt: skip
    runs.run("Card and joining in one step.", "provision", "node", "--hub", str(hub), "--dir", str(scratch / "next"),
             "--role", "records", "--name", "second counter", *who)  # fmt: skip
    runs.run("A box gets another signing key; it goes over to it when it next greets the hub.", "provision", "renew",
             "--dir", str(scratch / "next"))  # fmt: skip
    runs.run("The hub gets another signing key, from the first day that is far enough ahead.", "provision", "hub-key",
             "--dir", str(hub), *who)  # fmt: skip
    stage.relay.set_mode("courier-2", "silent")
    HubClient(stage.station("courier-2").base_url).sign_in({"badge": "WB-C-02", "pin": "135790"})
    stage.station("courier-2").process.stop()
    made = runs.run("What a stopped box has not been signed for.", "export-batch", "--dir", str(box), "--to",
                    str(scratch))  # fmt: skip
    back = runs.run("The stick at the hub; its answer lands beside it.", "import-batch", made["file"], "--dir",
                    str(hub), *who)  # fmt: skip
    runs.run("The answer at the box.", "import-batch", back["answer"], "--dir", str(box))
    runs.run("Query tables made again from facts.", "rebuild", "--dir", str(box))
    runs.run("Chains, signatures, produced = received.", "verify", "--dir", str(hub), "--dir", str(box))
    runs.run("The key that opens the hub's keys in a backup; its file goes into a safe.", "backup", "key", "--dir",
             str(hub), "--to", str(safe))  # fmt: skip
    made = runs.run("A backup of the working hub, read back whole.", "backup", "create", "--dir", str(hub), "--to",
                    str(place))  # fmt: skip
    runs.hide(made["name"], "hub-20261121T120000Z-0001")
    runs.run("Whether the newest backup can be put back.", "backup", "drill", "--dir", str(hub), "--from", str(place))
    runs.run("The hub on an empty disk, out of backup and recovery key.", "backup", "restore", "--dir",
             str(scratch / "hub-again"), "--from", str(place), "--recovery-key", str(safe))  # fmt: skip
    runs.run("The keys of a stopped hub as the backup place holds them.", "backup", "keys", "--dir",
             str(scratch / "hub-again"), "--from", str(place), "--recovery-key", str(safe))  # fmt: skip
    runs.run("A machine is shut out.", "provision", "revoke", stage.station("courier-2").node, "--hub", str(hub), *who)
    if not quick:
        runs.run("Barcodes in pictures, beside each library alone; a folder of one's own with `--images DIR`.", "bench",
                 "decode", "--runs", "5")  # fmt: skip
        runs.run("From the gun's last byte to the verdict, beside a bare commit.", "bench", "scan")
        runs.run("Facts a second into the hub, beside a bare database.", "bench", "sync", "--runs", "1")
        runs.run("The scripted day, judged.", "demo", "--check", "--seed", "7")
        runs.run("Whole sites in virtual time, a seed a schedule.", "simulate", "--seeds", "0:20")
    return runs


def of_devices(runs: Runs, stage: Any, box: Path) -> None:
    """What a box's devices say; its gun reads something again and again until it was heard."""
    over = threading.Event()

    def scan_on() -> None:
        while not over.wait(0.3):
            stage.station("courier-2").gun.scan("]C1010690123456789210L7\x1d21S9")

    runs.run("Every device of a running box in one sentence: how it is, and what to do.", "devices", "--dir", str(box),
             codes=(0, 1))  # fmt: skip
    scanning = threading.Thread(target=scan_on)
    scanning.start()
    try:
        runs.run("What a gun says, never what it read.", "scan", "watch", "--dir", str(box), "--badge", "WB-C-02",
                 "--pin", "135790")  # fmt: skip
    finally:
        over.set()
        scanning.join()
    runs.run("A test slip, and what its end proves.", "print", "test", "receipt-printer", "--dir", str(box), "--badge",
             "WB-C-02", "--pin", "135790")  # fmt: skip
    hands = ("--badge", "WB-C-02", "--pin", "135790")
    runs.run("A device is closed and left alone.", "devices", "off", "receipt-printer", "--dir", str(box), *hands)
    runs.run("It is opened again.", "devices", "on", "receipt-printer", "--dir", str(box), *hands)
    clerk = ("--dir", str(stage.station("records-room").directory), "--badge", "WB-R-01", "--pin", "112358")
    runs.run("One page on a scanner.", "scan", "test", "扫描仪", *clerk)
    runs.run("A still of a document camera; the same for a foot switch, which waits for a press.", "devices", "try",
             "高拍仪", *clerk)  # fmt: skip
    runs.run("A sentence on a loudspeaker.", "speak", "test", "喇叭", *clerk)
    runs.run("What a box and its devices need of their machine.", "doctor", "--dir", str(box), codes=(0, 1))


def written_examples(page: str) -> dict[str, Any]:
    """The examples on the page of commands, by command line."""
    found: dict[str, Any] = {}
    for part in page.split("\n## ")[1:]:
        command = part.split("```sh\n")[1].split("\n```")[0]
        found[command] = json.loads(part.split("```json\n")[1].split("\n```")[0])
    return found


def headings(page: str) -> list[tuple[str, str]]:
    """Of each example on the page its title and what is said of it."""
    return [(part.split("\n")[0], part.split("\n")[2]) for part in page.split("\n## ")[1:]]


PAGES_OF: Mapping[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "kinds.md": kinds_page,
    "machines.md": machines_page,
    "usage.md": usage_page,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    parser.add_argument("--commands", action="store_true", help="run every command too and write their page")
    asked = parser.parse_args()
    PAGES.mkdir(parents=True, exist_ok=True)
    stale = []
    for name, make in PAGES_OF.items():
        path, text = PAGES / name, make()
        if not path.is_file() or path.read_text("utf-8") != text:
            stale.append(name)
            if not asked.check:
                path.write_text(text, "utf-8")
    if asked.commands:
        from provisioning.demo.stage import raise_stage

        with tempfile.TemporaryDirectory(prefix="waystation-reference-") as scratch:
            stage = raise_stage(Path(scratch) / "demo", 7, lambda line: None)
            try:
                runs = commands(stage, Path(scratch) / "stick", quick=False)
            finally:
                stage.close()
        (PAGES / "commands.md").write_text(runs.page(), "utf-8")
    done = "reference: as the program says" if asked.check else "reference: written"
    print(f"{', '.join(stale)}: run `make reference`" if asked.check and stale else done)
    return 1 if asked.check and stale else 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
