"""A box that only prints, as a program to be killed: the product's ledger, queues and drivers, and two printers.

Reads orders on standard input, a line of JSON each, `{ref, printer, file}`; tells on standard output what it does, a
line each: `{ledger}` at its start, `{ref, state}` for every mark, `{device, state, reason}` for every change.
"""

from __future__ import annotations

import json
import random
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

from appliance.store.print_jobs import PaperJob, PrintJobs
from hardware.drivers.cups_client import CupsClient
from hardware.drivers.document_printer import DocumentPrinter
from hardware.drivers.line_printer import LinePrinter
from hardware.drivers.print_queue import PrintQueue
from hardware.drivers.receipt_printer import EscposTalk
from hardware.drivers.supervisor import Supervisor
from hardware.ports import DeviceView, JobState
from hardware.transports.tcp import TcpStream
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SystemEntropy
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.node_store import Unit

KEY = bytes(32)
DOCUMENTS, SLIPS = "documents", "slips"
_voice = threading.Lock()


def say(**what: Any) -> None:
    with _voice:
        print(json.dumps(what), flush=True)


def main(folder: Path, server: str, slip_port: int) -> None:
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
    document_printer = DocumentPrinter(
        CupsClient(server), "office", counts=True, wall_ms=clock.wall_ms, look_s=0.1
    )  # fmt: skip
    slip_printer = LinePrinter(lambda: TcpStream("127.0.0.1", slip_port), EscposTalk, answer_s=0.3, silence_s=3.0)
    queues = {
        DOCUMENTS: PrintQueue(
            DOCUMENTS, document_printer, jobs, supervisor.add("printer", DOCUMENTS), random.random
        ),
        SLIPS: PrintQueue(SLIPS, slip_printer, jobs, supervisor.add("printer", SLIPS), random.random),
    }  # fmt: skip
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


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
