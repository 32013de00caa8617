"""A whole box with a card reader: settings, boot, real HTTP, the page's event stream."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from appliance.boot import Box
from hardware.codecs.identity.chip import Chip, invented
from hardware.twins.card_reader import CardReaderTwin
from provisioning.bench import box as made

PATIENCE_S = 60.0
NAME = "贺兰\ue863"


@pytest.fixture
def twin(tmp_path: Path) -> Iterator[CardReaderTwin]:
    reader = CardReaderTwin(tmp_path / "reader")
    reader.start()
    yield reader
    reader.close()


@pytest.fixture
def base_url(tmp_path: Path, twin: CardReaderTwin) -> Iterator[str]:
    readers = [{"name": "desk", "url": twin.url}]
    devices: dict[str, Any] = {"identity_readers": readers, "recordings": str(tmp_path / "recordings")}
    made.make_box(tmp_path / "box", records=1, role="records", devices=devices)
    box = Box(tmp_path / "box", {})
    yield box.start()
    box.close()


def signed_in(base_url: str) -> requests.Session:
    person = requests.Session()
    person.trust_env = False
    answer = person.post(f"{base_url}/api/v1/session", json={"badge": made.BADGE, "pin": made.PIN}, timeout=30)
    person.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    return person


@pytest.mark.row("I07.1", "I08.5")
def test_a_card_goes_from_the_reader_to_who_asked(base_url: str, twin: CardReaderTwin, tmp_path: Path) -> None:
    person = signed_in(base_url)
    until_s = time.monotonic() + PATIENCE_S
    while (
        begun := person.post(f"{base_url}/api/v1/identity/readings", json={"wait_s": 60}, timeout=30)
    ).status_code != 201:
        assert begun.json()["code"] == "identity.reader-away" and time.monotonic() < until_s
    reading = begun.json()["reading"]

    with person.get(f"{base_url}/api/v1/events?topics=identity", stream=True, timeout=PATIENCE_S) as stream:
        lines = stream.iter_lines(decode_unicode=True)
        next(line for line in lines if line.startswith("event: heartbeat"))
        twin.put(Chip(invented("", NAME)))
        told = []
        for line in lines:
            if line.startswith("data: ") and '"reading"' in line:
                assert NAME not in line
                event = json.loads(line.removeprefix("data: "))
                told.append(event["state"])
                if event["state"] == "waiting" and event["code"]:
                    twin.take()
                    twin.put(Chip(invented("", NAME)))
                if told[-1] == "done":
                    break
    assert told[-2:] == ["card", "done"]
    read = person.get(f"{base_url}/api/v1/identity/readings/{reading}", timeout=30).json()
    assert (read["state"], read["document"]["name"]) == ("done", NAME)
    (recording,) = (tmp_path / "recordings").iterdir()
    assert recording.name == "desk.identity.jsonl" and NAME.encode("utf-16-le").hex() not in recording.read_text()
    devices = person.get(f"{base_url}/api/v1/devices", timeout=30).json()["devices"]
    assert [(each["role"], each["name"], each["state"]) for each in devices] == [("identity-reader", "desk", "ready")]


@pytest.mark.row("E01.3", "I08.5")
def test_a_reader_is_tried_with_any_card_and_keeps_nothing(base_url: str, twin: CardReaderTwin) -> None:
    person = signed_in(base_url)

    def ask(path: str) -> requests.Response:
        return person.post(f"{base_url}/api/v1/devices/trial{path}", json={"name": "desk"}, timeout=30)

    def ended() -> dict[str, Any]:
        until_s = time.monotonic() + PATIENCE_S
        while (told := ask("/look").json())["state"] == "running":
            assert time.monotonic() < until_s
        return dict(told)

    until_s = time.monotonic() + PATIENCE_S
    while (begun := ask("")).status_code != 201:
        assert begun.json()["code"] == "trial.away" and time.monotonic() < until_s
    assert begun.json()["kind"] == "card"
    taken = person.post(f"{base_url}/api/v1/identity/readings", json={"wait_s": 60}, timeout=30)
    assert taken.json()["code"] == "identity.busy"
    twin.put(Chip(invented("", NAME)))
    told = ended()
    assert (told["state"], told["size_bytes"], told["media_type"]) == ("done", 0, "") and NAME not in json.dumps(told)
    page = person.get(f"{base_url}/devices", timeout=30).text
    assert "读到了，什么都没有留下" in page and NAME not in page
    assert ask("/stop").status_code == 200
    assert ask("").status_code == 201 and ask("/stop").status_code == 200
    assert ended()["state"] == "stopped"
