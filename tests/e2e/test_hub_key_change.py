"""A hub goes over to another signing key over a real broker, while one box listens and another is away for months.

The site begins months ago by its own clock, so that certificates and lists of the real broker are good today.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.link.runner import Link
from appliance.link.wiring import make_link
from appliance.settings import Settings as BoxSettings
from hub.__main__ import main
from hub.backup import own
from hub.backup.keys import make_recovery_key
from hub.boot import Hub
from hub.link.voice import HubKeys, keys_of
from hub.settings import read_settings
from provisioning.bench.box import WARD, record_no
from provisioning.bench.site import joined_box
from provisioning.making import directories
from provisioning.making.client import HubClient
from provisioning.trust.node_keys import load_keys
from provisioning.trust.site import open_site
from provisioning.verifier import waystation_verify
from sync.adapters.clock import ShiftedClock, SystemClock
from sync.adapters.idgen import SystemEntropy
from sync.adapters.sqlite_log import outbox
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.hub_store import HubStore
from sync.domain.tracking import facts
from sync.kernel.outcome import PeerFault, Unavailable
from sync.protocol.batch import parse_header
from tests.adapters.backup.conftest import waystation
from tests.waiting import until

PASSWORD = "invented password"
DAY_S = 24 * 3600
AGO_S = 25 * DAY_S
"""Less than a withdrawal list lasts, more than a key is announced ahead and the old one counts after it."""


class Clock(ShiftedClock):
    """A clock that is moved on: the months in between pass in a moment."""

    def __init__(self) -> None:
        super().__init__(SystemClock(), -AGO_S)

    def pass_days(self, days: float) -> None:
        self._offset_ms += round(days * DAY_S * 1000)


@contextmanager
def running(folder: Path, clock: Clock) -> Iterator[Hub]:
    hub = Hub(folder, read_settings(folder, {}), clock)
    try:
        hub.start()
        yield hub
    finally:
        hub.stop()


@contextmanager
def talking(folder: Path, store: ApplianceStore, settings: BoxSettings) -> Iterator[Link]:
    link = make_link(store, settings, load_keys(folder / "keys"), software="test", draw=random.Random(1).random)
    assert link is not None
    link.start()
    try:
        yield link
    finally:
        link.stop()


def scan(store: ApplianceStore, n: int) -> None:
    with store.write(actor="u-luo", device="gun-1") as unit:
        unit.append(
            facts.collected(
                facts.stay_key(record_no(n), "1"), round_key=f"{store.node}.00000001", ward=WARD, verdict="good",
                how="gun", read_no=record_no(n), at_ms=store.clock.wall_ms(), list_as_of_ms=0,
            )
        )  # fmt: skip


def signed_for(store: ApplianceStore) -> Callable[[], bool]:
    def told() -> bool:
        with store.read() as conn:
            written, signed = outbox.ledger(conn)
        return bool(written == signed)

    return told


@pytest.mark.row("H35.22")
def test_boxes_follow_the_hub_to_another_key_and_an_old_key_signs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock, folder, place = Clock(), tmp_path / "hub", tmp_path / "place"
    place.mkdir()
    monkeypatch.setattr(directories, "SystemClock", lambda: clock)
    directories.make_hub(
        folder, site="site", name="", hosts=(), admin="u-admin", password=PASSWORD,
        settings={"backup": {"place": str(place)}},
    )  # fmt: skip
    key_file = tmp_path / "safe" / "recovery.key"
    key_file.parent.mkdir()
    make_recovery_key(folder, key_file, SystemEntropy())
    first = load_keys(folder / "keys").key_id
    with running(folder, clock) as hub:
        client = HubClient.of(folder, "u-admin", PASSWORD)
        (near, near_told), (away, away_told) = [joined_box(tmp_path / name, client) for name in ("near", "away")]
        with talking(tmp_path / "away", away, away_told):
            scan(away, 1)
            until(signed_for(away))
        scan(away, 2)
        old_word = hub.voice.hello_wanted(near.node)
        with talking(tmp_path / "near", near, near_told) as link:
            code, ordered = waystation(
                "provision", "hub-key", "--dir", str(folder), "--user", "u-admin", "--password", PASSWORD
            )
            assert code == 0, ordered
            assert ordered["trust_version"] == 2
            until(lambda: link.post_parts[1].version == 2)  # told at once, by the broker
            assert hub.voice.key_id == first == load_keys(folder / "keys").key_id
            again = client_refusal(client, {})
            assert again == "hub-key.pending"
            hub.backups.copier.copy()  # type: ignore[union-attr]  # a place is set
            clock.pass_days(13)
            hub.own_key.look()
            assert hub.voice.key_id == first, "not a day before"
            clock.pass_days(12)
            until(lambda: hub.voice.key_id.hex() == ordered["key"])  # by itself, without a start
            scan(near, 3)
            until(signed_for(near))
            link.call_now()
            until(lambda: near.floor_ms() > clock.wall_ms() - DAY_S * 1000)
            book = link.post_parts[1]
            assert book.open(hub.voice.hello_wanted(near.node)).key_id.hex() == ordered["key"]
            with pytest.raises(PeerFault, match="key-over"):
                book.open(old_word)
        with talking(tmp_path / "away", away, away_told) as link:
            until(signed_for(away))
            assert link.post_parts[1].version == 2
        client = HubClient.of(folder, "u-admin", PASSWORD)  # nobody stays signed in for weeks
        new = joined_box(tmp_path / "new", client)
        with talking(tmp_path / "new", *new):
            scan(new[0], 4)
            until(signed_for(new[0]))
        hub.backups.copier.copy()  # type: ignore[union-attr]
        hub.desk.settle()
    with running(folder, clock) as hub:
        assert hub.voice.key_id.hex() == ordered["key"]
        with talking(tmp_path / "near", near, near_told):
            scan(near, 5)
            until(signed_for(near))
        hub.desk.settle()
        hub.backups.copier.copy()  # type: ignore[union-attr]
    for store in (near, away, new[0]):
        store.close()
    nodes = [f"--node={d}/data/node.db:{d}/keys/store.key" for d in (folder, *(tmp_path / n for n in ("near", "away")))]
    assert waystation_verify.main(nodes) == 0
    signers = {parse_header(raw).key_id for path in (place / "own").glob("*.way") for raw in own.batches_of(path)}
    assert signers == {first, bytes.fromhex(ordered["key"])}
    keys = keys_of(load_keys(folder / "keys"))
    written = waystation_verify.check(nodes[0].removeprefix("--node=")).own
    assert read_back(tmp_path / "again", place, keys) == sum(last for last, _ in written.values())
    assert read_back(tmp_path / "half", place, replace(keys, former=())) < sum(last for last, _ in written.values())
    capsys.readouterr()
    refuses_without_its_key(folder, tmp_path / "lost", key_file, place, clock, capsys)


def read_back(scratch: Path, place: Path, keys: HubKeys) -> int:
    """How many of the hub's own facts an empty database takes out of the backup place."""
    scratch.mkdir()
    hub = next(parse_header(raw).node for path in (place / "own").glob("*.way") for raw in own.batches_of(path))
    store = HubStore(scratch / "node.db", bytes(32), node=hub, role="hub", clock=SystemClock(), entropy=SystemEntropy())
    try:
        return own.read_back(place / "own", store, keys)
    finally:
        store.close()


def client_refusal(client: HubClient, body: dict[str, str]) -> str:
    try:
        client.post("/api/v1/hub-key", body)
    except Unavailable as fault:
        return fault.code
    return ""


def refuses_without_its_key(
    folder: Path, lost: Path, key_file: Path, place: Path, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    """The key that the bundle has for now is gone from this machine: a sentence, and the way back from the place."""
    held = folder / "keys" / "signing.key"
    held.rename(lost)
    (folder / "keys" / "sealing.key").chmod(0o600)
    held.write_bytes(bytes(range(32)))
    held.chmod(0o600)
    assert main(["--dir", str(folder)]) == 1
    said = capsys.readouterr().err
    assert "hub.key-missing" in said and "waystation backup keys" in said
    code, done = waystation("backup", "keys", "--dir", str(folder), "--recovery-key", str(key_file))
    assert code == 0, done
    with running(folder, clock) as hub:
        assert hub.voice.key_id == load_keys(folder / "keys").key_id == open_site(folder / "keys").keys.key_id
