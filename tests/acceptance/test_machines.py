"""Machines of a hospital that stop, lose their way, come by another road, or are shut out: nothing is lost."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from provisioning.demo.courier import Courier
from tests.acceptance.helpers import Site, shell, until

ADDRESSES = ("base_url", "sync_url", "mqtt_port", "mllp_port")
"""What machines, people and the hospital's system were told of the hub."""


def waiting(courier: Courier) -> int:
    return int(courier.client.get("/api/v1/status")["ledger"]["waiting"])


def at_hub(site: Site, keys: list[str]) -> bool:
    return all(site.record(*key.rsplit("-", 1))["state"] == "collected" for key in keys)


def pile(site: Site, courier: Courier, ward: str, n: int) -> list[str]:
    """Scan the first `n` of a ward's list with the line silent."""
    site.stage.relay.set_mode(courier.station.name, "silent")
    courier.begin(ward)
    keys = [row["key"] for row in courier.due(ward)][:n]
    courier.scan(keys)
    assert waiting(courier) >= n
    return keys


def scan_meanwhile(site: Site, courier: Courier, ward: str, n: int, break_it: Callable[[], None]) -> list[str]:
    """Scan with the line up, and break something when the first of them is at the hub and the others are not."""
    courier.begin(ward)
    keys = [row["key"] for row in courier.due(ward)][:n]
    courier.scan(keys[: n // 2], wait=False)
    until(lambda: site.record(*keys[0].rsplit("-", 1))["state"] == "collected", "the drain has begun")
    break_it()
    courier.scan(keys)
    return keys


def gun_at_hub(site: Site, node: str) -> tuple[str, str]:
    devices = {each["name"]: each for each in site.admin.get(f"/api/v1/nodes/{node}")["devices"]}
    return devices["gun-1"]["state"], devices["gun-1"]["reason"]


@pytest.mark.row("F10.24")
def test_the_hub_is_told_of_a_gun_that_was_pulled_out(site: Site) -> None:
    station = site.stage.station("records-room")
    until(lambda: gun_at_hub(site, station.node) == ("ready", ""), "the hub knows the gun")
    station.gun.unplug()
    until(lambda: gun_at_hub(site, station.node)[0] == "lost", "the hub is told that it is gone")
    station.gun.plug()
    until(lambda: gun_at_hub(site, station.node) == ("ready", ""), "the hub is told that it is back")


@pytest.mark.row("F10.14")
def test_a_hub_killed_in_mid_drain_has_everything_once_after_its_start(site: Site) -> None:
    keys = scan_meanwhile(site, site.first, "W01", 30, site.stage.hub.kill)
    assert waiting(site.first) > 0
    state = site.stage.hub.start()
    assert {name: state[name] for name in ADDRESSES} == {name: site.stage.hub_state[name] for name in ADDRESSES}
    until(lambda: waiting(site.first) == 0, "everything is signed for")
    site.sign_in_again()
    until(lambda: at_hub(site, keys), "every record once")


@pytest.mark.row("F10.14")
def test_a_broker_that_dies_in_mid_drain_costs_nothing(site: Site) -> None:
    """The other carrier takes over; the hub starts its broker again on its port."""
    pid_file = site.stage.hub.directory / "broker" / "broker.pid"
    dead = int(pid_file.read_text())
    keys = scan_meanwhile(site, site.first, "W03", 20, lambda: os.kill(dead, signal.SIGKILL))
    until(lambda: waiting(site.first) == 0, "everything is signed for")
    until(lambda: at_hub(site, keys), "every record once")
    until(lambda: int(pid_file.read_text() or dead) != dead, "a broker again")


@pytest.mark.row("F10.14", "H35.7")
def test_facts_and_their_answer_travel_on_a_stick(site: Site, tmp_path: Path) -> None:
    keys = pile(site, site.second, "W15", 5)
    site.second.station.process.stop()
    box, hub = str(site.second.station.directory), str(site.stage.hub.directory)
    code, made = shell("export-batch", "--dir", box, "--to", str(tmp_path))
    assert code == 0 and made["facts"] >= 5
    offer = ("import-batch", "--dir", hub, "--user", "u-admin", "--password", site.stage.password, made["file"])
    code, taken = shell(*offer)
    assert code == 0, taken
    until(lambda: at_hub(site, keys), "the hub has what the stick brought")
    counts = site.clerk.get("/api/v1/stays")["counts"]
    assert shell(*offer)[0] == 0
    assert site.clerk.get("/api/v1/stays")["counts"] == counts, "a stick offered twice has no second effect"
    code, told = shell("import-batch", "--dir", box, taken["answer"])
    assert code == 0 and told["acknowledged"] >= 1
    assert not told["refused"] and not told["left"], told
    status = shell("status", "--dir", box)[1]
    assert status["outbox"]["count"] == 0
    broken = tmp_path / "broken.way"
    broken.write_bytes(Path(made["file"]).read_bytes()[:-7])
    code, no = shell(*offer[:-1], str(broken))
    assert code == 1 and no["error"].startswith("stick.")
    site.stage.relay.set_mode("courier-2", "up")
    site.second.restart()


@pytest.mark.row("F14.1")
def test_query_tables_made_again_from_facts_are_the_same(site: Site) -> None:
    """Copies of the node directories, so that the hospital goes on."""
    site.second.station.process.stop()
    site.stage.hub.stop()
    for directory in (site.stage.hub.directory, site.second.station.directory):
        copy = directory.parent / f"{directory.name}-copy"
        shutil.copytree(directory, copy, ignore=shutil.ignore_patterns("state.json"))
        code, told = shell("rebuild", "--dir", str(copy))
        assert code == 0, told
        assert told["same"] is True and told["entities"] > 100 and told["tables"] > 3
    site.stage.hub.start()
    site.sign_in_again()
    site.second.restart()


@pytest.mark.row("H35.6")
def test_a_machine_that_is_shut_out_is_cut_on_every_road(site: Site) -> None:
    node = site.second.station.node
    until(lambda: waiting(site.second) == 0, "a box that is well")
    site.admin.post(f"/api/v1/nodes/{node}/revoke", {"reason": "丢失"})
    site.second.begin("W21")
    key = site.second.due("W21")[0]["key"]
    site.second.scan([key])
    told = site.admin.get(f"/api/v1/nodes/{node}")
    assert told["state"] == "revoked"
    until(lambda: site.second.client.get("/api/v1/status")["line"]["state"] != "up", "the box hears that it is out")
    assert waiting(site.second) > 0, "it goes on collecting, and nobody signs for it"
    assert site.record(*key.rsplit("-", 1))["state"] == "discharged"
    assert any(one["what"] == "node.revoked" for one in site.auditor.get("/api/v1/audit")["lines"])
