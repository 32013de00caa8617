"""An identity reader through the programs' doors: begin, await, cancel; nothing of a person anywhere else."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from appliance.features.devices.service import addresses
from hardware.codecs.identity.chip import Chip, invented, invented_number
from hardware.ports import Identity, Plug
from hardware.twins.card_reader import CardReaderTwin
from tests.waiting import until

NAME = "欧阳静姝"
NUMBER = invented_number("", "19850101", 1)


@pytest.fixture
def reader(records_box: Any) -> Iterator[CardReaderTwin]:
    twin = CardReaderTwin(records_box.directory / "reader")
    twin.start()
    records_box.devices.start()
    until(lambda: records_box.devices.views()[-1].state == "ready")
    yield twin
    records_box.devices.close()
    twin.close()


def said(answer: Any) -> str:
    code: str = answer.get_json()["code"]
    assert answer.get_json()["title"]
    return code


def insist(wen: Any, key: str, reader: CardReaderTwin, chip: Chip) -> Any:
    """Put the card on, and again whenever a try came to nothing; the reading when it has ended."""
    told: Any = {"state": "waiting", "code": "not yet"}
    while told["state"] in ("waiting", "card"):
        if told["code"]:
            reader.take()
            reader.put(chip)
        told = wen.get(f"/api/v1/identity/readings/{key}?wait_s=1").get_json()
    return told


@pytest.mark.row("I07.1")
def test_a_card_is_read_for_who_asked_and_told_nowhere_else(
    reader: CardReaderTwin, records_box: Any, records_app: Flask, wen: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert wen.get("/api/v1/identity/readers").get_json() == {
        "readers": [{"reader": "reader", "state": "ready", "reason": "", "last": ""}],
    }  # fmt: skip
    begun = wen.post("/api/v1/identity/readings", {"reader": "reader", "wait_s": 30})
    assert begun.status_code == 201
    key = begun.get_json()["reading"]
    assert said(wen.post("/api/v1/identity/readings")) == "identity.busy"
    told = insist(wen, key, reader, Chip(invented("", NAME), latest_address="某市另一街二号"))
    assert told["state"] == "done" and told["code"] == told["says"] == ""
    document = told["document"]
    assert (document["kind"], document["name"], document["number"]) == ("citizen-card", NAME, NUMBER)
    assert (document["birth_on"], document["sex"], document["ethnic_name"]) == ("1985-01-01", "male", "汉")
    assert (document["address"], document["long_term"], document["doubts"]) == ("某市另一街二号", False, [])

    other = records_app.test_client(use_cookies=False)
    token = other.post("/api/v1/session", json={"badge": "WB-GU", "pin": "2468"}).get_json()["token"]
    answer = other.get(f"/api/v1/identity/readings/{key}", headers={"Authorization": f"Bearer {token}"})
    assert said(answer) == "identity.reading-gone"

    (row,) = wen.get("/api/v1/identity/readers").get_json()["readers"]
    assert row["last"] == f"读好了：居民身份证 欧阳** ****{NUMBER[-4:]}"
    page = wen.get("/devices").get_data(as_text=True)
    assert row["last"] in page and NAME not in page and NUMBER not in page
    events = [event for event in records_box.events._ring if event.topic == "identity"]
    states = [json.loads(event.data)["state"] for event in events]
    assert states[0] == "waiting" and states[-2:] == ["card", "done"]
    everything = caplog.text + str([event.data for event in events])
    assert NAME not in everything and NUMBER not in everything and "欧阳" not in everything

    client = wen.client
    assert client.delete(f"/api/v1/identity/readings/{key}", headers=wen.headers).get_json() == {"ok": True}
    assert said(wen.get(f"/api/v1/identity/readings/{key}")) == "identity.reading-gone"


@pytest.mark.row("I07.1")
def test_a_reading_is_cancelled_and_another_begun(reader: CardReaderTwin, wen: Any) -> None:
    key = wen.ok("/api/v1/identity/readings")["reading"]
    assert wen.client.delete(f"/api/v1/identity/readings/{key}", headers=wen.headers).get_json() == {"ok": True}
    assert wen.get(f"/api/v1/identity/readings/{key}").get_json()["state"] == "cancelled"
    assert wen.ok("/api/v1/identity/readings", {"wait_s": 120})["state"] == "waiting"


@pytest.mark.row("I07.1")
def test_an_unknown_card_is_refused_in_words(reader: CardReaderTwin, wen: Any) -> None:
    key = wen.ok("/api/v1/identity/readings")["reading"]
    text = bytearray(invented("", NAME))
    text[248:250] = "Q".encode("utf-16-le")
    told = insist(wen, key, reader, Chip(bytes(text)))
    assert (told["state"], told["code"], told["document"]) == ("refused", "identity.unknown-document", None)
    assert "手工登记" in told["says"]


def test_what_cannot_be_asked_is_refused(wen: Any, luo: Any) -> None:
    assert said(wen.post("/api/v1/identity/readings")) == "identity.reader-away"  # its devices were not started
    assert said(wen.post("/api/v1/identity/readings", {"reader": "nobody's"})) == "identity.no-reader"
    for wait_s in (0, -1, 121, 2**40):
        assert said(wen.post("/api/v1/identity/readings", {"wait_s": wait_s})) == "identity.wait"
    assert said(wen.get("/api/v1/identity/readings/../../x")) in ("identity.reading-gone", "page.unknown")
    assert wen.get("/api/v1/identity/readings/x?wait_s=99999999999").status_code == 422
    assert luo.post("/api/v1/identity/readings").status_code == 403  # a courier reads no documents


@pytest.mark.row("I06.3", "I07.1")
def test_a_typed_number_is_recognised(wen: Any) -> None:
    told = wen.ok("/api/v1/identity/recognise", {"text": NUMBER.lower()})
    assert (told["kinds"], told["number"], told["birth_on"]) == (["citizen-card"], NUMBER, "1985-01-01")
    zone = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10"
    told = wen.ok("/api/v1/identity/recognise", {"text": zone})
    assert told["kinds"] == ["passport"] and told["document"]["name"] == "ERIKSSON ANNA MARIA"
    answer = wen.post("/api/v1/identity/recognise", {"text": NUMBER[:-1] + ("0" if NUMBER[-1] != "0" else "1")})
    assert said(answer) == "identity.check-digit" and NUMBER[:10] not in answer.get_data(as_text=True)
    assert said(wen.post("/api/v1/identity/recognise", {"text": "?" * 5000})) == "identity.unrecognised"


def test_a_reader_is_lost_and_found_as_its_plug_is(reader: CardReaderTwin, records_box: Any) -> None:
    """udev's word is given to the table of plugs by hand: a pseudo terminal sends none."""
    devices = records_box.devices
    kept = devices._keepers._kept["reader"]

    def plug() -> Plug:
        return Plug(os.path.realpath(reader.path), "serial", Identity("usb-0:1", "1a86", "7523"), "usb-0")

    first = plug()
    devices.plugs.plugged(first)
    assert kept.node == first.path
    reader.unplug()
    devices.plugs.unplugged(first.path)
    until(lambda: devices.views()[-1].state == "lost")
    devices.plugs.plugged(Plug("/dev/ttyS99", "serial", Identity("usb-0:2", "1a86", "7523"), "usb-1"))
    reader.plug()
    devices.plugs.plugged(plug())
    assert kept.node == os.path.realpath(reader.path)
    until(lambda: devices.views()[-1].state == "ready")


def test_no_pairing_listens_at_a_reader(records_box: Any) -> None:
    assert str(records_box.directory / "reader") in set(addresses(records_box.settings.devices))
