"""A box that only prints, as a program to be killed: the product's ledger, queues and drivers.

Called `print_box.py FOLDER PRINTERS`, a JSON object of those it has: `documents` the address of a print server, `slips`
and `zpl`, `tspl` the line to a printer as the settings name it.

Reads orders on standard input, a line of JSON each, `{ref, printer, file}`; tells on standard output what it does, a
line each: `{ledger}` at its start, `{ref, state}` for every mark, `{device, state, reason}` for every change.
"""

from __future__ import annotations

import json
import random
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from appliance.store.print_jobs import PaperJob, PrintJobs
from hardware.drivers.cups_client import CupsClient
from hardware.drivers.document_printer import DocumentPrinter
from hardware.drivers.label_printer import ZplTalk
from hardware.drivers.line_printer import Line, LinePrinter, Talk
from hardware.drivers.opening import opener
from hardware.drivers.print_queue import PrintQueue
from hardware.drivers.receipt_printer import EscposTalk
from hardware.drivers.supervisor import Supervisor
from hardware.drivers.tspl_printer import TsplTalk
from hardware.ports import DeviceView, JobState, Printer, TracedPrinter
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SystemEntropy
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.node_store import Unit

KEY = bytes(32)
DOCUMENTS, SLIPS, ZPL, TSPL = "documents", "slips", "zpl", "tspl"
_voice = threading.Lock()


def say(**what: Any) -> None:
    with _voice:
        print(json.dumps(what), flush=True)


def main(folder: Path, lines: dict[str, str]) -> None:
    clock, jobs = SystemClock(), PrintJobs()
    store = ApplianceStore(
        folder / "node.db", KEY, node="courier-aaaaaaaa", role="courier", clock=clock, entropy=SystemEntropy(),
        projectors=[jobs],
    )  # fmt: skip
    store.start_incarnation("drill")
    jobs.bind(store)

    def marked(unit: Unit, job: PaperJob, state: JobState) -> None:
        unit.on_commit(partial(say, ref=job.ref, state=state))

    def changed(view: DeviceView) -> None:
        say(device=view.name, state=view.state, reason=view.reason)

    jobs.on_marked("drill", marked)
    say(ledger={job.ref: job.state for job in jobs.listing(limit=100_000)})
    supervisor = Supervisor(clock.mono_s, changed)
    queues = {
        name: PrintQueue(name, printer_at(name, line, clock), jobs, supervisor.add("printer", name), random.random)
        for name, line in lines.items()
    }
    for name, queue in queues.items():
        jobs.on_queued(name, queue.wake)
        queue.start()
    for line in sys.stdin:
        order = json.loads(line)
        with store.write() as unit:
            jobs.order(
                unit, printer=order["printer"], what="drill", ref=order["ref"], copy_no=0,
                payload=Path(order["file"]).read_bytes(),
            )  # fmt: skip
            unit.on_commit(partial(say, ref=order["ref"], state="queued"))
    for queue in queues.values():
        queue.close()
    store.close()


def printer_at(name: str, line: str, clock: SystemClock) -> Printer | TracedPrinter:
    if name == DOCUMENTS:
        return DocumentPrinter(CupsClient(line), "office", counts=True, wall_ms=clock.wall_ms, look_s=0.1)
    talks: dict[str, Callable[[Line], Talk]] = {
        SLIPS: EscposTalk, ZPL: ZplTalk, TSPL: partial(TsplTalk, draw=random.random),
    }  # fmt: skip
    return LinePrinter(opener(line), talks[name], answer_s=0.3, silence_s=3.0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
