"""A whole box with a camera, a foot switch, loudspeakers and vendors' services: real HTTP, ALSA's own player, twins."""

from __future__ import annotations

import io
import logging
import time
import wave as wavefiles
from array import array
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from PIL import Image

from appliance.boot import Box
from appliance.features.devices.desks.speakers import SENTENCE
from hardware.codecs import waves
from hardware.twins.pedal import PedalTwin
from hardware.twins.stream_camera import StreamCameraTwin
from hardware.twins.vendor_service import VendorServiceTwin
from provisioning.bench import box as made
from tests.adapters.appliance.test_scanners_of_a_box import Person, noted

SIZE = (1280, 960)
SIGNATURE = b"\x89PNG a signature"


def frame(n: int) -> bytes:
    kept = io.BytesIO()
    Image.new("L", SIZE, n * 5 % 250).save(kept, "JPEG")
    return kept.getvalue()


class Room:
    """What hangs on the box."""

    def __init__(self) -> None:
        self.camera, self.pedal, self.vendor = StreamCameraTwin(frame), PedalTwin(), VendorServiceTwin()
        for twin in (self.camera, self.pedal, self.vendor):
            twin.start()

    def close(self) -> None:
        for twin in (self.camera, self.pedal, self.vendor):
            twin.close()


@pytest.fixture
def room() -> Iterator[Room]:
    room = Room()
    yield room
    room.close()


@pytest.fixture
def box(tmp_path: Path, room: Room) -> Iterator[Box]:
    devices = {
        "cameras": [{"name": "table", "url": room.camera.url}],
        "pedals": [{"name": "foot", "url": room.pedal.url}],
        "speakers": [{"name": "hall", "url": "alsa:null"}, {"name": "cellar", "url": "alsa:plughw:CARD=NoSuchCard"}],
        "services": [
            {"name": "pad", "mapping": "inkwell-pad", "url": room.vendor.http_url},
            {"name": "gate", "mapping": "gatehouse-face", "url": room.vendor.socket_url},
        ],
        "recordings": str(tmp_path / "recordings"),
    }
    made.make_box(tmp_path / "box", records=1, role="records", devices=devices)
    box = Box(tmp_path / "box", {})
    yield box
    box.close()


@pytest.fixture
def person(box: Box) -> Person:
    return Person(box.start())


def preview(person: Person, after: int = 0) -> requests.Response:
    where = {"name": "table", "after": str(after)}
    return person.session.get(f"{person.base_url}/devices/preview", params=where, timeout=30)


@pytest.mark.row("E01.3", "G18.5")
def test_each_is_tried_and_nothing_of_it_is_kept(
    box: Box, person: Person, room: Room, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told = person.tried("table")
    assert (told["state"], told["dots"], told["media_type"]) == ("done", list(SIZE), "image/jpeg")
    assert person.tried("hall")["state"] == "done"

    person.until("foot", lambda told: told["state"] == "ready")
    assert room.pedal.wait_connected()
    assert person.post("devices/trial", {"name": "foot"}).status_code == 201
    room.pedal.press(held=2)
    assert person.ended("foot")["state"] == "done"

    for name, act, size in (("pad", lambda: room.vendor.sign(SIGNATURE), len(SIGNATURE)),
                            ("gate", lambda: room.vendor.look(True), 0)):  # fmt: skip
        person.until(name, lambda told: told["state"] == "ready")
        assert person.post("devices/trial", {"name": name}).status_code == 201
        room.vendor.wait_session()
        act()
        told = person.ended(name)
        assert (told["state"], told["size_bytes"], told["media_type"]) == ("done", size, "")
        assert person.picture(name).status_code == 404, "a signature is counted and shown to nobody"

    assert noted(box) == [f"device.tried {name}" for name in ("table", "hall", "foot", "pad", "gate")]
    kept = b"".join(file.read_bytes() for file in (tmp_path / "recordings").iterdir())
    assert b"signature" not in kept.replace(b"signature-pad", b"") and b"\xff\xd8" not in kept
    assert SIGNATURE.decode("latin-1") not in caplog.text and "features" not in caplog.text


@pytest.mark.row("G18.3", "G18.4")
def test_music_goes_down_under_what_a_voice_pack_says(tmp_path: Path) -> None:
    """Through ALSA's own player, which writes what it was given into a file beside playing it."""
    pack, heard = tmp_path / "voices", tmp_path / "heard.raw"
    pack.mkdir()
    (pack / f"{SENTENCE}.wav").write_bytes(wave(waves.silence(2.0)))
    (tmp_path / "music.wav").write_bytes(wave(waves.samples([4000, -4000] * waves.RATE)))
    hall = {"name": "hall", "url": f"alsa:tee:null,{heard},raw", "voices": str(pack), "chime": False,
            "music": str(tmp_path / "music.wav")}  # fmt: skip
    made.make_box(tmp_path / "box", records=1, role="records", devices={"speakers": [hall]})
    box = Box(tmp_path / "box", {})
    try:
        assert Person(box.start()).tried("hall")["state"] == "done"
        until_s = time.monotonic() + 60
        while not (loud := levels(heard.read_bytes())) or 800 not in loud or loud[-1] != 4000:
            assert time.monotonic() < until_s, loud[-50:]
            time.sleep(0.1)
    finally:
        box.close()
    first = loud.index(800)
    assert loud[first : first + 30] == [800] * 30 and 0 not in loud, "turned down, and never silent"


def wave(sound: array) -> bytes:
    kept = io.BytesIO()
    with wavefiles.open(kept, "wb") as out:
        out.setparams((1, 2, waves.RATE, 0, "NONE", ""))
        out.writeframes(waves.to_bytes(sound))
    return kept.getvalue()


def levels(raw: bytes) -> list[int]:
    """The loudest sample of each whole block."""
    sound = waves.from_bytes(raw[: len(raw) // 2 * 2])
    whole = range(0, len(sound) - waves.BLOCK, waves.BLOCK)
    return [max(map(abs, sound[start : start + waves.BLOCK])) for start in whole]


@pytest.mark.row("E01.3")
def test_a_camera_is_open_while_somebody_looks(box: Box, person: Person) -> None:
    person.until("table", lambda told: told["state"] == "ready")
    first = preview(person)
    assert first.content.startswith(b"\xff\xd8") and first.headers["Cache-Control"] == "no-store"
    n = int(first.headers["X-Way-Frame"])
    assert int(preview(person, n).headers["X-Way-Frame"]) > n
    assert person.device("table")["state"] == "busy"
    person.until("table", lambda told: told["state"] == "ready")  # the page was left
    assert box.desks.cameras["table"]._camera is None
    stranger = requests.get(f"{person.base_url}/devices/preview", params={"name": "table"}, timeout=30)
    assert stranger.status_code == 401, "through a camera looks who works here"


@pytest.mark.row("E01.3", "G18.5")
def test_what_is_wrong_with_each_is_said(person: Person, room: Room) -> None:
    cellar = person.until("cellar", lambda told: told["state"] == "absent" and told["reason"] != "not-tried")
    assert cellar["reason"] == "device.gone", "a loudspeaker that no card stands behind is never good"
    for name in ("foot", "pad", "hall"):
        person.until(name, lambda told: told["state"] == "ready")
    room.pedal.unplug()
    assert person.until("foot", lambda told: told["state"] == "lost")["reason"] == "device.gone"
    room.vendor.fault = "error"
    told = person.tried("pad")
    assert (told["state"], told["reason"], told["sentence"]) == ("failed", "failed", "没有试成：它说没有做成")
    assert person.post("devices/switch", {"name": "hall", "on": False}).status_code == 200
    assert person.device("hall")["state"] == "disabled"
    assert person.post("devices/trial", {"name": "hall"}).json()["code"] == "trial.away"
    assert person.post("devices/switch", {"name": "hall", "on": True}).status_code == 200
    person.until("hall", lambda told: told["state"] == "ready")
    room.pedal.plug()
    person.until("foot", lambda told: told["state"] == "ready")
