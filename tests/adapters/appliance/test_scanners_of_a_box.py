"""A whole box with scanners: settings, boot, real HTTP; SANE's own test backend, sane-airscan, a vendor's folder."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

from appliance.boot import Box
from hardware.drivers.code_writer import code_image
from hardware.twins.escl_scanner import EsclScannerTwin
from provisioning.bench import box as made
from sync.domain.fleet.facts import NOTED
from sync.kernel.codec import decode_fact
from tests.waiting import until

PATIENCE_S = 60.0
ROOT = Path(__file__).parents[3]


def sheet(shade: int = 200, code: str = "") -> bytes:
    kept, page = io.BytesIO(), Image.new("RGB", (620, 877), (shade,) * 3)
    if code:
        page.paste(code_image(code, "code128", module_px=2, height_px=50), (40, 40))
    page.save(kept, "JPEG", dpi=(75, 75))
    return kept.getvalue()


class Person:
    """Somebody at the box, over its public API."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.session = requests.Session()
        self.session.trust_env = False
        token = self.post("session", {"badge": made.BADGE, "pin": made.PIN}).json()["token"]
        self.session.headers["Authorization"] = f"Bearer {token}"

    def post(self, path: str, body: dict[str, Any]) -> requests.Response:
        return self.session.post(f"{self.base_url}/api/v1/{path}", json=body, timeout=30)

    def device(self, name: str) -> dict[str, Any]:
        told = self.session.get(f"{self.base_url}/api/v1/devices", timeout=30).json()["devices"]
        return next(each for each in told if each["name"] == name)

    def until(self, name: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        return until(lambda: told if wanted(told := self.device(name)) else None)

    def tried(self, name: str) -> dict[str, Any]:
        """A trial, begun as soon as the device can be tried, and waited for."""

        def begun() -> bool:
            answer = self.post("devices/trial", {"name": name})
            assert answer.status_code == 201 or answer.json()["code"] in ("trial.away", "trial.busy"), answer.json()
            return answer.status_code == 201

        until(begun)
        return self.ended(name)

    def ended(self, name: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            told: dict[str, Any] = self.post("devices/trial/look", {"name": name}).json()
            return None if told["state"] == "running" else told

        return until(look)

    def picture(self, name: str) -> requests.Response:
        return self.session.get(f"{self.base_url}/devices/trial/picture", params={"name": name}, timeout=30)


@pytest.fixture
def escl() -> Iterator[EsclScannerTwin]:
    twin = EsclScannerTwin()
    twin.start()
    yield twin
    twin.close()


@pytest.fixture
def box(tmp_path: Path, escl: EsclScannerTwin, monkeypatch: pytest.MonkeyPatch) -> Iterator[Box]:
    sane = tmp_path / "sane.d"
    sane.mkdir()
    (sane / "dll.conf").write_text("test\n")
    shutil.copy("/etc/sane.d/test.conf", sane)
    monkeypatch.setenv("SANE_CONFIG_DIR", str(sane))
    (tmp_path / "vendor").mkdir()
    scanners = [
        {"name": "glass", "url": "sane:test:0", "source": "flatbed", "dpi": 75},
        {"name": "feeder", "url": escl.url, "dpi": 75},
        {"name": "folder", "url": f"folder:{tmp_path / 'vendor'}"},
        {"name": "away", "url": "sane:test:7"},
    ]
    devices = {"scanners": scanners, "recordings": str(tmp_path / "recordings")}
    made.make_box(tmp_path / "box", records=1, role="records", devices=devices)
    box = Box(tmp_path / "box", {})
    yield box
    box.close()


@pytest.fixture
def person(box: Box) -> Person:
    return Person(box.start())


def noted(box: Box) -> list[str]:
    """What this box wrote for the audit list about devices."""
    with box.store.read() as conn:
        facts = [decode_fact(row[0]) for row in conn.execute("SELECT fact FROM log WHERE status = 0 ORDER BY seq")]
    bodies = [fact.body for fact in facts if fact.kind == NOTED]
    return [f"{body[1]} {body[4]}" for body in bodies if str(body.get(1, "")).startswith("device.")]


@pytest.mark.row("E01.3")
def test_one_page_is_scanned_shown_and_forgotten(
    box: Box, person: Person, escl: EsclScannerTwin, tmp_path: Path
) -> None:
    told = person.tried("glass")
    assert (told["state"], told["dots"][0] > 200, told["media_type"]) == ("done", True, "image/png")
    with Image.open(io.BytesIO(person.picture("glass").content)) as shown:
        assert list(shown.size) == told["dots"]
    assert person.picture("glass").headers["Cache-Control"] == "no-store"
    assert person.post("devices/trial/stop", {"name": "glass"}).status_code == 200
    assert person.picture("glass").status_code == 404

    escl.load([sheet(100, "ZY00000007-1"), sheet(150)])
    fed = person.tried("feeder")
    assert fed["dots"][1] == 877 and "ZY00000007" not in json.dumps(fed)
    assert fed["codes"] == [{"symbology": "code128", "chars": 12, "count": 1}]
    assert escl.taken <= 2
    assert noted(box) == ["device.tried glass", "device.tried feeder"]

    recording = (tmp_path / "recordings" / "glass.scanner.jsonl").read_text()
    entries = [json.loads(line) for line in recording.splitlines()]
    page = next(each for each in entries if "page" in each)
    assert page["dots"] == told["dots"] and page["bytes"] == told["size_bytes"] and len(page["mark"]) == 16
    assert entries[-1] | {"end": "done", "pages": 1, "reason": ""} == entries[-1] or entries[-1]["is"] == "ready"


@pytest.mark.row("E01.3")
def test_a_vendor_s_page_is_looked_at_and_stays(person: Person, tmp_path: Path) -> None:
    page = tmp_path / "vendor" / "0001.jpg"
    page.write_bytes(sheet())
    told = person.tried("folder")
    assert (told["state"], told["dots"], told["codes"]) == ("done", [620, 877], [])
    assert page.read_bytes() == sheet(), "a trial takes no page away that somebody waits for"


@pytest.mark.row("E01.3")
def test_what_is_wrong_is_said_and_a_trial_can_be_stopped(person: Person, escl: EsclScannerTwin) -> None:
    assert person.until("away", lambda told: told["state"] == "absent")["reason"] == "device.gone"
    assert person.post("devices/trial", {"name": "away"}).json()["code"] == "trial.away"

    person.until("feeder", lambda told: told["state"] == "ready")
    told = person.tried("feeder")
    assert (told["state"], told["reason"]) == ("failed", "no-documents")
    assert told["step"] == "在进纸口放好纸"
    settled = person.until("feeder", lambda told: told["state"] != "busy")
    assert settled["state"] == "ready", "an empty feeder is no fault of the scanner"

    escl.load([sheet()])
    escl.open_hatch()
    told = person.tried("feeder")
    assert (told["state"], told["reason"]) == ("failed", "cover-open")
    assert "盖子开着" in person.until("feeder", lambda told: told["state"] == "attention")["sentence"]
    escl.mend()
    person.until("feeder", lambda told: told["state"] == "ready")

    begun = person.post("devices/trial", {"name": "folder"})
    assert begun.status_code == 201 and begun.json()["state"] == "running"
    assert person.post("devices/trial", {"name": "folder"}).json()["code"] == "trial.busy"
    assert person.post("devices/trial/stop", {"name": "folder"}).status_code == 200
    assert person.ended("folder")["state"] == "stopped"
    assert person.post("devices/trial", {"name": "kettle"}).json()["code"] == "trial.none"


@pytest.mark.row("E01.3")
def test_the_shell_tries_a_scanner_and_names_what_is_missing(box: Box, person: Person, escl: EsclScannerTwin) -> None:
    place = ("--dir", str(box.directory), "--badge", made.BADGE, "--pin", made.PIN)
    person.until("feeder", lambda told: told["state"] == "ready")
    code, told = shell("scan", "test", "feeder", *place)
    assert (code, told["reason"]) == (1, "no-documents")
    assert told["sentence"] == "feeder: Not tried: no paper in the feeder. Put paper into the feeder. [no-documents]"
    escl.load([sheet()])
    code, told = shell("scan", "test", "feeder", *place)
    assert code == 0 and told["sentence"].startswith("feeder: one page, 637 x 877 dots, ")
    code, told = shell("devices", "try", "folder", *place, "--within", "0.5")
    assert (code, told["sentence"]) == (1, "folder: stopped; nothing was kept.")
    checks = {each["check"]: each for each in shell("doctor", *place[:2])[1]["checks"]}
    assert checks["scanimage"]["ok"] and checks["sane-airscan"]["ok"] and checks["device folder"]["ok"]
    assert not checks["device away"]["ok"] and checks["device glass"]["ok"]


def shell(*words: str) -> tuple[int, Any]:
    done = subprocess.run(
        [sys.executable, "-c", "from provisioning.cli import main; main()", *words, "--json"],
        capture_output=True, text=True, cwd=ROOT, timeout=PATIENCE_S,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr[-1500:]
    return done.returncode, json.loads(done.stdout)
