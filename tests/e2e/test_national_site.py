"""A hospital with the national algorithms: SM2, SM3 and SM4 for all that machines sign, hash and seal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from provisioning.cli.look import database
from provisioning.demo import town
from provisioning.demo.courier import Courier
from provisioning.demo.stage import Stage, Station, raise_stage, wait_for
from provisioning.making.client import HubClient
from provisioning.trust.node_keys import load_keys
from sync.adapters.sqlite_log.outbox import ledger
from sync.kernel.outcome import Unavailable

ROOT = Path(__file__).parents[2]
WITHIN_S = 180.0
STAFF = {person.user: person for person in town.people()}


def shell(*words: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-c", "from provisioning.cli import main; main()", *words, "--json"],
        capture_output=True, check=False, timeout=300, cwd=ROOT,
    )  # fmt: skip
    assert b"Traceback" not in done.stderr, done.stderr.decode()[-2000:]
    return done.returncode, dict(json.loads(done.stdout))


def start_without_library(module: str, directory: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", module, "--dir", str(directory)], capture_output=True, check=False, timeout=120,
        cwd=ROOT, env={**os.environ, "WAYSTATION_LIBCRYPTO": "libabsent.so.3"},
    )  # fmt: skip
    return done.returncode, done.stderr.decode()


def signed(station: Station) -> bool:
    with database(station.directory) as conn:
        written, acked = ledger(conn)
    return written == acked


def ready(stage: Stage, name: str, user: str) -> Courier:
    courier = Courier(stage.station(name), STAFF[user])

    def signed_in() -> bool:
        try:
            courier.sign_in()
        except Unavailable:
            return False
        return True

    wait_for(signed_in, WITHIN_S, "badges on the hand-held")
    wait_for(lambda: all(len(courier.due(ward)) >= 70 for ward in courier.station.wards), WITHIN_S, "the wards' lists")
    return courier


def scan(courier: Courier, ward: str, n: int) -> list[dict[str, Any]]:
    courier.begin(ward)
    rows = courier.due(ward)[:n]
    courier.scan([row["key"] for row in rows])
    return rows


def state_at_hub(client: HubClient, row: dict[str, Any]) -> str:
    found = client.get("/api/v1/records", q=row["record_no"])["records"]
    [key] = [each["key"] for each in found if each["stay_no"] == row["stay_no"]]
    return str(client.get(f"/api/v1/records/{key}")["state"])


@pytest.mark.row("I33.1", "I33.3")
def test_a_day_with_the_national_algorithms(tmp_path: Path, tables: str) -> None:
    stage = raise_stage(tmp_path / "hospital", 13, lambda line: None, tables, suite=2)
    hub = stage.hub.directory
    try:
        first, second = ready(stage, "courier-1", "u-luo"), ready(stage, "courier-2", "u-xu")
        rows = scan(first, first.station.wards[0], 4)
        wait_for(lambda: signed(first.station), WITHIN_S, "the hub's signature, by the broker")

        code, coming = shell("provision", "renew", "--dir", str(second.station.directory))
        assert code == 0 and coming["key"] != coming["next"], coming
        second.station.process.stop()
        told = second.station.directory / "settings.toml"
        told.write_text(told.read_text("utf-8").replace("[sync]\n", '[sync]\ncarriers = ["https"]\n'), "utf-8")
        second.station.base_url = second.station.process.start()["base_url"]
        second = ready(stage, "courier-2", "u-xu")
        rows += scan(second, second.station.wards[1], 4)
        wait_for(lambda: signed(second.station), WITHIN_S, "the hub's signature, over HTTPS")

        stage.relay.set_mode("courier-1", "refused")
        rows += scan(first, first.station.wards[1], 4)
        first.station.process.stop()
        code, made = shell("export-batch", "--dir", str(first.station.directory), "--to", str(tmp_path))
        assert code == 0 and made["facts"] >= 4, made
        admin = ("--user", "u-admin", "--password", stage.password)
        code, answer = shell("import-batch", "--dir", str(hub), *admin, made["file"])
        assert code == 0, answer
        code, back = shell("import-batch", "--dir", str(first.station.directory), answer["answer"])
        assert code == 0 and back["acknowledged"] >= 4, back

        client = stage.admin()
        for row in rows:
            wait_for(lambda r=row: state_at_hub(client, r) == "collected", WITHIN_S, "the hub's page")
        everybody = ["--dir", str(hub), *(w for s in stage.stations for w in ("--dir", str(s.directory)))]
        wait_for(lambda: all(signed(s) for s in stage.stations), WITHIN_S, "everything signed for")
        keys = load_keys(second.station.directory / "keys")
        assert keys.key_id.hex() == coming["next"] and keys.suite.number == 2, "it went over to its other key meanwhile"
        code, verdict = shell("verify", *everybody)
        assert code == 0 and verdict["across"] == [], verdict
        [of_hub] = [node for node in verdict["nodes"] if node["hub"]]
        assert of_hub["signatures"] > 0 and of_hub["collections"] == len(rows), of_hub
        assert {shell("status", "--dir", str(d))[1]["suite"] for d in (hub, first.station.directory)} == {2}
        stage.hub.stop()
        for module, directory in (("hub", hub), ("appliance", first.station.directory)):
            code, said = start_without_library(module, directory)
            assert code == 1 and "[suite.library]" in said and "未启动" in said and "Traceback" not in said, said
    finally:
        stage.close()
