"""The hub's machine is lost with all that was on it. An older backup comes back; the boxes refill it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from provisioning.cli.look import database
from provisioning.demo import town
from provisioning.demo.courier import Courier
from provisioning.demo.stage import Stage, raise_stage, wait_for
from provisioning.making.client import HubClient
from provisioning.trust.broker import end_left_behind
from sync.adapters.sqlite_log.outbox import ledger
from sync.kernel.outcome import Unavailable

ROOT = Path(__file__).parents[2]
WITHIN_S = 180.0
NAME = "waystation_hub_"
STAFF = {person.user: person for person in town.people()}


def shell(*words: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-c", "from provisioning.cli import main; main()", *words, "--json"],
        capture_output=True, check=False, timeout=300, cwd=ROOT,
    )  # fmt: skip
    assert b"Traceback" not in done.stderr, done.stderr.decode()[-2000:]
    return done.returncode, dict(json.loads(done.stdout))


def courier_of(stage: Stage, name: str, user: str) -> Courier:
    courier = Courier(stage.station(name), STAFF[user])

    def signed_in() -> bool:
        try:
            courier.sign_in()
        except Unavailable:
            return False
        return True

    wait_for(signed_in, WITHIN_S, "badges on the hand-held")
    wards = courier.station.wards
    wait_for(lambda: all(len(courier.due(ward)) >= 70 for ward in wards), WITHIN_S, "the wards' lists")
    return courier


def drained(stage: Stage, epoch: int = 1) -> bool:
    """Every box has heard of this hub epoch and has the hub's signature for all it wrote."""
    for station in stage.stations:
        with database(station.directory) as conn:
            heard = int(conn.execute("SELECT value FROM meta WHERE name = 'hub_epoch'").fetchone()[0])
            written, signed = ledger(conn)
        if heard != epoch or written != signed:
            return False
    return True


def scan_some(courier: Courier, ward: str, n: int) -> list[str]:
    courier.begin(ward)
    keys = [row["key"] for row in courier.due(ward)][:n]
    courier.scan(keys)
    return keys


@pytest.mark.row("H35.16")
def test_a_hub_whose_machine_is_lost_is_refilled_by_its_boxes(tmp_path: Path, tables: str) -> None:
    stage = raise_stage(tmp_path / "hospital", 12, lambda line: None, tables)
    place, safe, hub = tmp_path / "place", tmp_path / "safe.key", stage.hub.directory
    try:
        place.mkdir()
        stage.hub.stop()
        with (hub / "settings.toml").open("a") as settings:
            settings.write(f'\n[backup]\nplace = "{place}"\nat = ""\n')
        stage.hub.start()
        couriers = [courier_of(stage, "courier-1", "u-luo"), courier_of(stage, "courier-2", "u-xu")]
        wards = [each.station.wards for each in couriers]
        early = [key for each, mine in zip(couriers, wards, strict=True) for key in scan_some(each, mine[0], 5)]
        wait_for(lambda: drained(stage), WITHIN_S, "everything signed for")
        assert shell("backup", "key", "--dir", str(hub), "--to", str(safe))[0] == 0
        code, made = shell("backup", "create", "--dir", str(hub))
        assert code == 0 and made["keys"], made

        late = [key for each, mine in zip(couriers, wards, strict=True) for key in scan_some(each, mine[1], 5)]
        wait_for(lambda: drained(stage), WITHIN_S, "everything signed for")
        stage.admin().post(
            "/api/v1/people", {"user": "u-new", "name": "新来的", "roles": ["clerk"], "password": "invented password"}
        )

        wait_for(lambda: metrics(stage)[f"{NAME}own_facts_not_copied"] == 0, WITHIN_S, "the hub's own facts copied")
        everybody = ["--dir", str(hub), *(w for s in stage.stations for w in ("--dir", str(s.directory)))]
        before = shell("verify", *everybody)[1]
        stage.hub.kill()
        end_left_behind(hub / "broker")  # it goes with the machine, too
        shutil.rmtree(hub)
        offline = scan_some(couriers[0], wards[0][2 % len(wards[0])], 2)

        assert shell("backup", "drill", "--dir", str(hub), "--from", str(place), "--recovery-key", str(safe))[0] == 0
        code, back = shell(
            "backup", "restore", "--dir", str(hub), "--from", str(place), "--recovery-key", str(safe)
        )  # fmt: skip
        assert code == 0 and back["epoch"] == 2 and back["own_facts"] > 0, back
        stage.hub_state = stage.hub.start()
        wait_for(lambda: drained(stage, epoch=2), WITHIN_S, "the boxes have refilled it")
        code, after = shell("verify", *everybody)
        assert code == 0 and after["across"] == [], after
        boxes = [{n["node"]: n["produced"] for n in told["nodes"] if not n["hub"]} for told in (before, after)]
        assert all(boxes[1][node] >= produced for node, produced in boxes[0].items())
        scans = len(early) + len(late) + len(offline)
        assert sum(node["collections"] for node in after["nodes"] if node["hub"]) == scans

        admin = stage.admin()
        assert any(p["user"] == "u-new" for p in admin.get("/api/v1/people")["people"])
        wait_for(lambda: metrics(stage)[f"{NAME}refill_machines_awaited"] == 0, WITHIN_S, "the refill's end")
        figures = metrics(stage)
        assert (figures[f"{NAME}epoch"], figures[f"{NAME}backups_counting"]) == (2, 1)
        assert figures[f"{NAME}backup_age_seconds"] >= 0
        for language, said in (("zh", "中心纪元 2"), ("en", "Hub epoch 2")):
            assert said in page(admin, stage, language)
    finally:
        stage.close()


def metrics(stage: Stage) -> dict[str, float]:
    text = requests.get(f"{stage.hub_state['base_url']}/metrics", timeout=30).text
    rows = [line.split() for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in rows}


def page(admin: HubClient, stage: Stage, language: str) -> str:
    """The hub's first page as an administrator reads it."""
    answer = admin._call("GET", "/", headers={"Accept": "text/html"}, params={"lang": language})
    assert answer.status_code == 200
    return answer.text
