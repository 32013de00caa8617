"""A whole box at a real print server: `waystation print test`, and a doubt settled at its door."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hardware.twins.escpos_printer import EscposPrinterTwin
from hardware.twins.paper_printer import PaperPrinter
from provisioning.bench import box as made
from provisioning.cli import printing
from provisioning.making.client import HubClient, state_file
from tests.adapters.hardware.document_room import print_room
from tests.adapters.hardware.paper_room import PATIENCE_S

COMMAND = "from provisioning.cli import main; main()"


@dataclass
class Place:
    folder: Path
    office: PaperPrinter
    environ: dict[str, str]

    def print_test(self, printer: str) -> tuple[int, dict[str, Any]]:
        """Exit code and document of the command."""
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, "print", "test", printer, "--dir", str(self.folder),
             "--badge", made.BADGE, "--pin", made.PIN, "--within", str(PATIENCE_S), "--json"],
            env=self.environ, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, json.loads(done.stdout)

    def client(self) -> HubClient:
        client = HubClient(str(state_file(self.folder)["base_url"]))
        client.sign_in({"badge": made.BADGE, "pin": made.PIN})
        return client


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("box")
    belt = EscposPrinterTwin(0, folder / "belt", 384)
    belt.start()
    with print_room() as room:
        office = room.add_printer("office", side_s=0.05)
        room.add_queue("office", office)
        room.add_raw_queue("belt", f"once:/socket://127.0.0.1:{belt.port}/?waiteof=false")
        devices = {
            "print_server": room.server,
            "recordings": str(folder / "recordings"),
            "receipt_printer": {"url": "cups:belt"},
            "document_printers": [{"name": "office", "queue": "office", "counts_pages": True}],
        }
        made.make_box(folder / "node", records=1, role="records", devices=devices)
        environ = {**os.environ, "PYTHONPATH": str(request.config.rootpath)}
        with subprocess.Popen(
            [sys.executable, "-m", "appliance", "--dir", str(folder / "node")],
            env=environ, stdout=subprocess.DEVNULL, start_new_session=True,
        ) as box:  # fmt: skip
            end = time.monotonic() + PATIENCE_S
            while not state_file(folder / "node"):
                assert box.poll() is None and time.monotonic() < end
                time.sleep(0.05)
            yield Place(folder / "node", office, environ)
            box.terminate()
    belt.close()


@pytest.mark.row("F08.3")
def test_a_test_page_says_what_it_proves(place: Place) -> None:
    code, told = place.print_test("office")
    assert (code, told["state"], told["sides"], told["sides_counted"]) == (0, "confirmed", 1, 1), told
    assert told["sentence"].startswith("office: printed, the printer itself says so. It counts pages")
    assert "Waystation test print" in place.office.sheets[-1]["sides"][0]


@pytest.mark.row("F08.3")
def test_a_raw_queue_proves_no_more_than_that_it_was_handed_over(place: Place) -> None:
    code, told = place.print_test("receipt-printer")
    assert (code, told["state"], told["reason"]) == (0, "confirmed", "handed-over")
    assert "only a look tells" in told["sentence"]
    written = (place.folder.parent / "recordings" / "receipt-printer.cups.jsonl").read_text("ascii")
    assert '"paper"' in written and "Waystation" not in written


def test_a_printer_that_this_box_has_not(place: Place) -> None:
    code, told = place.print_test("nowhere")
    assert (code, told["error"]) == (1, "paper.no-printer")


@pytest.mark.row("F08.3", "E05.5")
def test_a_doubt_is_told_and_settled(place: Place) -> None:
    office, before = place.office, len(place.office.sheets)
    office.paper_out()
    client = place.client()

    def cut() -> None:
        end = time.monotonic() + PATIENCE_S
        while "paper-out" not in {each["reason"] for each in client.get("/healthz")["devices"]}:
            assert time.monotonic() < end
            time.sleep(0.05)
        office.power_off()
        office.load_paper()
        office.power_on()

    person = threading.Thread(target=cut)
    person.start()
    code, told = place.print_test("office")
    person.join()
    assert (code, told["state"], told["reason"], told["sides_out"]) == (1, "uncertain", "power", 0)
    assert "settle it once" in told["sentence"] and len(office.sheets) == before
    again = client.post(f"/api/v1/paper/{told['job']}/decide", {"decision": "again"})["job"]
    end = printing.await_end(client, again, PATIENCE_S, time.monotonic)
    assert (end["state"], end["copy_no"], len(office.sheets)) == ("confirmed", 1, before + 1)


@pytest.mark.row("F08.3")
@pytest.mark.parametrize(
    ("told", "now", "english", "chinese"),
    [
        (
            {"state": "queued", "reason": ""}, ("attention", "paper-out"),
            "Office printer: waits, out of paper. Put in a new roll, or fill the tray; it prints by itself once",
            "办公打印机：等着，没纸了。卷纸换一卷新的，纸盒加满；好了它自己接着打。",
        ),
        (
            {"state": "queued", "reason": ""}, ("lost", "gone"),
            "Office printer: waits, disconnected. Check its power light", "办公打印机：等着，断开了。看电源灯亮不亮",
        ),
        ({"state": "queued", "reason": ""}, ("busy", ""), "waits for its turn", "排着队"),
        ({"state": "sent", "reason": ""}, ("busy", ""), "on its way; it is not done yet", "还没打完"),
        ({"state": "sent", "reason": ""}, ("attention", "jam"), "waits, paper is jammed. Open", "等着，卡纸了。打开"),
        ({"state": "failed", "reason": "payload"}, ("ready", ""), "cannot print it; nothing came out", "打不了"),
        (
            {"state": "uncertain", "reason": "silent"}, ("attention", "silent"),
            "nobody can tell whether it came out. The printer took it and never said that it was done. Look",
            "说不准打没打出来。打印机收下了，没有说打好。去看一眼",
        ),
        (
            {"state": "confirmed", "reason": "", "sides": 1, "sides_counted": 0}, ("ready", ""),
            "the printer itself says so. It does not count pages: leave", "打印机自己说的。它不数页数",
        ),
    ],
)  # fmt: skip
def test_the_sentence_says_what_is_wrong_and_what_to_do(
    told: dict[str, Any], now: tuple[str, str], english: str, chinese: str
) -> None:
    said = printing.sentences("office-printer", told, {"state": now[0], "reason": now[1]})
    assert english in said["sentence"] and chinese in said["sentence_zh"]
