"""kill -9 with a slip half out: the paper finishes, the row is a doubt, nothing prints by itself."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hardware.codecs.escpos_out import PROOF, encode_slip
from hardware.drivers.glyphs import Glyphs
from hardware.drivers.print_queue import PrintQueue
from hardware.drivers.supervisor import Supervisor
from hardware.ports import Job, Outcome
from hardware.transports.tcp import TcpStream
from hardware.twins.escpos_printer import EscposPrinterTwin
from sync.kernel.paper import Code2d, Code128, Line, Slip
from tests.adapters.hardware.paper_room import PATIENCE_S, MemoryLedger, printer_of, titles

BOX = """
import json, os, sys
from pathlib import Path
from hardware.drivers.print_queue import PrintQueue
from hardware.drivers.line_printer import LinePrinter
from hardware.drivers.receipt_printer import EscposTalk
from hardware.drivers.supervisor import Supervisor
from hardware.ports import Job
from hardware.transports.tcp import TcpStream

rows, port = Path(sys.argv[1]), int(sys.argv[2])

class FileLedger:
    def take_next(self, printer):
        told = json.loads(rows.read_text())
        return Job("j1", printer, bytes.fromhex(told["payload"])) if told["state"] == "queued" else None
    def mark(self, job_id, state, reason):
        told = json.loads(rows.read_text()) | {"state": state}
        fresh = rows.with_suffix(".new")
        fresh.write_text(json.dumps(told))
        os.replace(fresh, rows)
    def doubt_sent(self, printer):
        return 0

def changed(view):
    print(view.state, view.reason, flush=True)

printer = LinePrinter(lambda: TcpStream("127.0.0.1", port), EscposTalk, answer_s=0.3)
queue = PrintQueue("belt", printer, FileLedger(), Supervisor(lambda: 0.0, changed).add("printer", "belt"), lambda: 0.0)
queue.start()
queue._thread.join(60)
"""


@pytest.mark.row("F10.12")
def test_a_box_killed_in_mid_slip_asks_a_person(
    tmp_path: Path, twin: EscposPrinterTwin, job: Job, request: pytest.FixtureRequest
) -> None:
    rows, box = tmp_path / "rows.json", tmp_path / "box.py"
    rows.write_text(json.dumps({"state": "queued", "payload": job.payload.hex()}))
    box.write_text(BOX, encoding="utf-8")
    twin.paper_out(after_dots=90)
    environment = {**os.environ, "PYTHONPATH": str(request.config.rootpath)}
    with subprocess.Popen(
        [sys.executable, str(box), str(rows), str(twin.port)], stdout=subprocess.PIPE, text=True, env=environment
    ) as killed:
        assert killed.stdout is not None
        for line in killed.stdout:
            if line.split() == ["attention", "paper-out"]:
                killed.send_signal(signal.SIGKILL)
    assert json.loads(rows.read_text())["state"] == "sent"

    twin.load_paper()
    assert twin.wait_slips(1, PATIENCE_S)
    ledger = MemoryLedger(job)
    ledger.states["j1"] = "sent"
    device = Supervisor(time.monotonic).add("printer", "belt")
    again = PrintQueue("belt", printer_of(twin), ledger, device, lambda: 0.0)
    again.start()
    assert ledger.wait("j1", "uncertain")
    again.close()
    assert titles(twin) == ["slip j1"]


@pytest.mark.row("F10.12")
@pytest.mark.parametrize("share", [0.1, 0.4, 0.7, 0.95])
def test_half_a_slip_of_a_killed_box_takes_nothing_of_the_next(
    twin: EscposPrinterTwin, glyphs: Glyphs, share: float
) -> None:
    """In the middle of an image, of a QR code's text, of a bar code: the printer waits for the rest."""
    rare = Line("𠮷㼆䶮" * 4)
    killed, whole = (
        encode_slip(Slip((Line(title), rare, Code2d("A" * 900), rare, Code128("ZY1"))), 384, draw=glyphs.draw)
        for title in ("killed", "whole")
    )
    stream = TcpStream("127.0.0.1", twin.port)
    stream.write(killed[: int(len(killed) * share)])
    stream.close()
    assert printer_of(twin, answer_s=0.3).print_job(whole) == Outcome("confirmed")
    slip = twin.slips[-1]
    assert slip["text_lines"][0] == "whole" and slip["qr_texts"] == ["A" * 900] and slip["unknown"] == []
    assert slip["code_texts"] == ["ZY1"] and base64.b64decode(slip["bytes"]) == whole.removesuffix(PROOF)
