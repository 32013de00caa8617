"""One real hub process's worth: broker, doors, screens; a machine joins with a card and is shut out again."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from hub.boot import Hub
from hub.features.imports.mllp_frames import frame
from hub.settings import Node, Settings
from hub.web.serve import client_context
from provisioning.trust.cards import Card, read_card
from provisioning.trust.hub_door import ask_hub
from provisioning.trust.joining import Joined, join
from provisioning.trust.site import make_site
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SystemEntropy
from sync.adapters.mqtt_link import MqttLink
from sync.adapters.sqlite_log.hub_contact import note_seen
from sync.adapters.sqlite_log.hub_store import set_node_state
from sync.adapters.sqlite_log.node_store import set_meta
from sync.kernel.outcome import Refused
from sync.kernel.suite import suite1
from tests.waiting import until


def make_directory(folder: Path) -> Settings:
    clock = SystemClock()
    trust = make_site(folder / "keys", site="xinghe", now_ms=clock.wall_ms(), entropy=SystemEntropy(), suite=suite1)
    (folder / "settings.toml").write_text(f'[node]\nnode = "{trust.hub}"\nsite = "xinghe"\n', encoding="utf-8")
    return Settings(node=Node(node=trust.hub, site="xinghe", name="星河医院"))


class Silence:
    """Hears a carrier and does nothing."""

    def up(self, carrier: str) -> None:
        return

    def down(self, carrier: str, why: object) -> None:
        return

    def received(self, carrier: str, message: bytes) -> None:
        return


class Running:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hub = Hub(folder, make_directory(folder))
        self.hub.start()
        self.state = json.loads((folder / "state.json").read_text("utf-8"))
        self.base = self.state["base_url"]
        account = json.loads((folder / "first-account.json").read_text("utf-8"))
        signed = requests.post(f"{self.base}/api/v1/session", json=account, timeout=30)
        self.headers = {"Authorization": f"Bearer {signed.json()['token']}"}

    def post(self, path: str, body: object) -> requests.Response:
        return requests.post(f"{self.base}/api/v1{path}", json=body, headers=self.headers, timeout=30)

    def get(self, path: str) -> requests.Response:
        return requests.get(f"{self.base}/api/v1{path}", headers=self.headers, timeout=30)

    def card(self, role: str = "courier") -> Card:
        made = self.post("/cards", {"role": role, "name": "手持机 H-04", "wards": ["W12"]})
        assert made.status_code == 201, made.text
        card = read_card(made.json()["card"])
        assert isinstance(card, Card)
        return card

    def ask(self, request: bytes) -> bytes | Refused:
        answer = requests.post(f"{self.base}/api/v1/enrol", data=request, timeout=30)
        return answer.content if answer.ok else Refused(answer.json()["code"])


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    made = Running(tmp_path_factory.mktemp("hub"))
    yield made
    made.hub.stop()


def joined(
    running: Running, folder: Path, card: Card | None = None, ask: Callable[[bytes], bytes | Refused] | None = None
) -> Joined | Refused:
    """`ask`: another way to the hub than the screens' address."""
    return join(
        folder,
        card or running.card(),
        ask or running.ask,
        software="test",
        now_ms=SystemClock().wall_ms(),
        entropy=SystemEntropy(),
    )


@pytest.mark.row("H35.6")
def test_a_machine_joins_once_and_is_shut_out(running: Running, tmp_path: Path) -> None:
    card = running.card()
    machine = joined(running, tmp_path / "keys", card)
    assert isinstance(machine, Joined)
    node = machine.enrolled.node
    assert machine.enrolled.scopes == ("site", "site:people", "site:stays", "ward:W12")
    told = running.get(f"/nodes/{node}").json()
    assert (told["state"], told["wards"]) == ("never", ["W12"])
    assert joined(running, tmp_path / "other", card) == Refused("card.used")

    def heads() -> int:
        return requests.get(
            f"{running.state['sync_url']}/api/v1/sync/heads",
            cert=(str(machine.keys.tls_certificate_path), str(machine.keys.tls_key_path)),
            verify=str(machine.keys.ca_path),
            timeout=30,
        ).status_code

    assert heads() == 200
    assert running.post(f"/nodes/{node}/revoke", {"reason": "丢了"}).json()["state"] == "revoked"
    assert heads() == 403
    assert running.hub.trust.bundle.trust.is_revoked(node, machine.keys.key_id)
    assert f"user {node}\ntopic deny" in (running.folder / "broker" / "acl").read_text("utf-8")


@pytest.mark.row("H35.6")
def test_a_card_leads_to_the_machines_door_where_no_certificate_is_asked_for_it(
    running: Running, tmp_path: Path
) -> None:
    card = running.card()
    assert card.urls == (running.state["sync_url"],), "the token crosses a network, so TLS of the site's own carries it"

    def ask(request: bytes) -> bytes | Refused:
        return ask_hub(card, request)

    machine = joined(running, tmp_path / "keys", card, ask)
    assert isinstance(machine, Joined) and machine.enrolled.hospital == "星河医院"
    assert joined(running, tmp_path / "other", card, ask) == Refused("card.used")


@pytest.mark.row("H35.6")
def test_a_hub_that_was_put_back_to_before_a_machine_was_shut_out_shuts_it_out_again(tmp_path: Path) -> None:
    """The trust bundle lies beside the database and is no part of its backups."""
    (tmp_path / "hub").mkdir()
    running = Running(tmp_path / "hub")
    machine = joined(running, tmp_path / "keys")
    assert isinstance(machine, Joined)
    node = machine.enrolled.node
    running.post(f"/nodes/{node}/revoke", {"reason": "丢了"})
    with running.hub.store.write() as unit:
        set_node_state(unit, node, "known")
    settings = running.hub.settings
    running.hub.stop()
    again = Hub(tmp_path / "hub", settings)
    again.start()
    try:
        row = again.store.node_row(node)
        assert row is not None and row.state == "revoked"
    finally:
        again.stop()


def test_a_machine_that_leaves_the_broker_is_told_apart_at_once(running: Running, tmp_path: Path) -> None:
    machine = joined(running, tmp_path / "keys")
    assert isinstance(machine, Joined) and machine.enrolled.mqtt is not None
    node, keys = machine.enrolled.node, machine.keys
    note_seen(running.hub.store, {node: "mqtt"}, Counter())
    link = MqttLink(
        node,
        *machine.enrolled.mqtt,
        client_context(keys.ca_path, keys.tls_certificate_path, keys.tls_key_path),
        Silence(),
    )
    link.open()
    until(lambda: running.hub.fleet.machine(node).state == "online" and running.hub._present(node) is True)
    link.close()
    until(lambda: running.hub.fleet.machine(node).state == "silent")


@pytest.mark.row("H35.6")
def test_without_a_certificate_the_machines_door_stays_shut(running: Running) -> None:
    door, ca = f"{running.state['sync_url']}/api/v1/sync", str(running.hub.trust.keys.ca_path)
    for path in ("heads", "down", "nothing"):
        answer = requests.get(f"{door}/{path}", verify=ca, timeout=30)
        assert (answer.status_code, answer.json()["code"]) == (401, "certificate-missing")
    asked = requests.post(f"{door}/renew", data=b"nothing", verify=ca, timeout=30)
    assert asked.status_code == 422, "the page by which a machine gets its next one takes such a request alone"


def test_a_message_over_mllp_reaches_the_board(running: Running) -> None:
    raw = (
        "MSH|^~\\&|HIS|XH|WAY|XH|20261117100000||ADT^A03|77|P|2.5||||||UNICODE UTF-8\r"
        "EVN|A03|20261117100000\rPID|1||00880001||乐^嘉||19700101|F\rPV1|1|I|W12||||||||||||||||1\r"
    ).encode()
    with socket.create_connection(("127.0.0.1", running.state["mllp_port"]), timeout=30) as line:
        line.sendall(frame(raw))
        assert b"MSA|AA|77" in line.recv(65536)
    until(lambda: running.get("/records?q=YJ").json()["total"] == 1)


def test_an_open_page_hears_what_moves(running: Running) -> None:
    events = requests.get(
        f"{running.base}/api/v1/events?topics=stay,ledger", headers=running.headers, stream=True, timeout=30
    )
    lines = events.iter_lines()
    assert next(lines) == b"retry: 1000"
    csv = "病案号,姓名,病区,出院日期\n00880002,乐嘉,W12,2026-11-17\n".encode()
    requests.post(f"{running.base}/api/v1/imports", data=csv, headers=running.headers, timeout=30)
    assert any(line == b"event: stay" for line in lines)
    events.close()


def test_a_stick_without_anything_is_answered_with_the_trust_bundle(running: Running) -> None:
    from sync.protocol import stick

    answer = requests.post(f"{running.base}/api/v1/stick", data=stick.pack([]), headers=running.headers, timeout=30)
    assert answer.status_code == 200, answer.text
    assert stick.unpack(answer.content) == [running.hub.trust.bundle.raw]


def test_a_process_starts_tells_where_and_stops_when_told(tmp_path: Path) -> None:
    make_directory(tmp_path)
    process = subprocess.Popen([sys.executable, "-m", "hub", "--dir", str(tmp_path)], cwd=Path(__file__).parents[3])
    try:
        until(lambda: (tmp_path / "state.json").exists(), 60)
        state = json.loads((tmp_path / "state.json").read_text("utf-8"))
        assert state["pid"] == process.pid
        assert requests.get(f"{state['base_url']}/healthz", timeout=30).json()["role"] == "hub"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert not (tmp_path / "state.json").exists()
    finally:
        process.kill()
        process.wait()


def test_a_hub_comes_back_where_it_was_though_pages_were_open(tmp_path: Path) -> None:
    settings = make_directory(tmp_path)
    places = []
    for _ in range(2):
        hub = Hub(tmp_path, settings)
        hub.start()
        state = json.loads((tmp_path / "state.json").read_text("utf-8"))
        state.pop("pid")
        places.append(state)
        page = requests.get(f"{state['base_url']}/events", stream=True, timeout=30)
        assert next(page.iter_lines()) == b"retry: 1000"
        hub.stop()
        page.close()
    assert places[0] == places[1]


def test_a_look_that_the_database_refuses_is_not_the_last_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.boot.TICK_S", 0.2)
    hub = Hub(tmp_path, make_directory(tmp_path))
    hub.start()
    try:
        with hub.store.write() as unit:
            unit.conn.execute(
                "CREATE TRIGGER refuses BEFORE UPDATE ON meta WHEN new.name = 'refill_epoch' AND new.value = x'30' "
                "BEGIN SELECT RAISE(ABORT, 'the refill does not end'); END"
            )
            set_meta(unit.conn, "refill_epoch", 1)
        until(hub.refill.keeps_back)
        with hub.store.write() as unit:
            unit.conn.execute("DROP TRIGGER refuses")
        until(lambda: not hub.refill.keeps_back())
    finally:
        hub.stop()


def test_settings_that_nobody_knows_are_refused(tmp_path: Path) -> None:
    make_directory(tmp_path)
    with (tmp_path / "settings.toml").open("a", encoding="utf-8") as file:
        file.write("[web]\nprot = 8080\n")
    done = subprocess.run(
        [sys.executable, "-m", "hub", "--dir", str(tmp_path)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1 and "did you mean web.port" in done.stderr
