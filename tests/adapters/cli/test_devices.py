"""What a shell says of a box's devices, with the box running, its guns talking, and neither."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import tty
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.boot import Box
from hardware.ports import Identity, Plug
from hardware.twins.serial_gun import SerialGunTwin
from provisioning.cli import doctor
from provisioning.cli.doctor import Who
from provisioning.cli.doctor_station import music_check
from tests.browser.appliance.conftest import PIN, make_box

ROOT = Path(__file__).parents[3]
PATIENCE_S = 120
BADGE = ("--badge", "WB-WEN", "--pin", PIN)
SERIAL = Identity("pci-0000:00:14.0-usb-0:3:1.0", "1a86", "7523")


def start(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", "from provisioning.cli import main; main()", *words],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)  # fmt: skip


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    said, wrong = process.communicate(timeout=PATIENCE_S)
    assert "Traceback" not in wrong, wrong[-1500:]
    return process.returncode, said + wrong


def told(*words: str) -> tuple[int, Any]:
    code, said = ended(start(*words, "--json"))
    return code, json.loads(said)


@pytest.fixture
def gun() -> Iterator[SerialGunTwin]:
    twin = SerialGunTwin()
    twin.start()
    yield twin
    twin.close()


@pytest.fixture
def box(tmp_path: Path, gun: SerialGunTwin) -> Iterator[Box]:
    guns = f'[[devices.guns]]\nname = "counter"\nurl = "{gun.url}"\n[[devices.guns]]\nname = "spare"\n'
    box = make_box(tmp_path / "records", "records", guns)
    box.start()
    assert gun.wait_connected()
    yield box
    box.close()


@pytest.mark.row("F10.24")
def test_the_shell_says_of_each_device_what_to_do(box: Box, gun: SerialGunTwin) -> None:
    place = ("--dir", str(box.directory))
    code, found = told("devices", *place)
    assert code == 1 and not found["ok"]
    assert {each["name"]: each["sentence"] for each in found["devices"]} == {
        "counter": "counter: Fine.",
        "spare": "spare: no gun paired yet. Press “Pair a gun” on the device page.",
    }
    assert found["devices"][1]["sentence_zh"] == "spare：还没有配枪。在设备页点“配一把枪”。"
    assert "counter: Fine.\nspare: no gun" in ended(start("devices", *place))[1]

    watching = start("scan", "watch", *place, *BADGE, "--count", "1", "--json")
    stop = threading.Event()

    def scan_on() -> None:
        while not stop.wait(0.3):
            gun.scan("]C1010690123456789210L7\x1d21SECRET")

    scanning = threading.Thread(target=scan_on)
    scanning.start()
    code, said = ended(watching)
    stop.set()
    scanning.join()
    (heard,) = json.loads(said)["scans"]
    assert code == 0 and (heard["name"], heard["last_symbology"], heard["last_gs1"]) == ("counter", "]C1", "01 10 21")
    assert "SECRET" not in said and "characters" in heard["sentence"]

    assert told("devices", "off", "counter", *place, *BADGE) == (0, {"name": "counter", "on": False})
    assert box.devices.views()[0].state == "disabled"
    assert told("devices", "on", "counter", *place, *BADGE)[0] == 0
    code, refused = told("devices", "off", "kettle", *place, *BADGE)
    assert (code, refused["error"]) == (1, "device.unknown") and refused["sentence"].startswith("There is no such")

    code, found = told("doctor", *place)
    by_name = {each["check"]: each for each in found["checks"]}
    assert by_name["box"]["ok"] and by_name["fonts"]["ok"] and by_name["device counter"]["ok"]
    assert not by_name["device spare"]["ok"] and code == 1 and not found["ok"]
    assert by_name["clock"]["ok"] is None, "this box never heard a hub: nobody can know"


@pytest.mark.row("F10.23")
def test_a_gun_is_paired_from_the_shell(box: Box, tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    tty.setraw(ours)
    tty.setraw(theirs)
    picture = tmp_path / "code.svg"
    pairing = start("devices", "pair", "--dir", str(box.directory), *BADGE, "--name", "spare", "--picture",
                    str(picture), "--json")  # fmt: skip
    box.devices.plugs.plugged(Plug(os.ttyname(theirs), "serial", SERIAL, "/devices/usb1/1-3"))
    while pairing.poll() is None:
        opened = box.devices.guns.pairing
        if opened is not None:  # people scan again until it takes
            os.write(ours, f"{opened.code}\r".encode())
        threading.Event().wait(0.2)
    code, said = ended(pairing)
    os.close(ours)
    os.close(theirs)
    assert code == 0 and json.loads(said)["name"] == "spare"
    assert picture.read_text("utf-8").lstrip().startswith("<?xml")
    assert box.devices.guns.identity("spare") == SERIAL


def test_a_box_that_does_not_run_is_said_to_be_unwatched(tmp_path: Path) -> None:
    box = make_box(tmp_path / "records", "records")
    box.close()
    code, refused = told("devices", "--dir", str(box.directory))
    assert (code, refused["error"]) == (1, "box.not-running")
    code, found = told("doctor", "--dir", str(box.directory))
    assert {each["check"]: each["ok"] for each in found["checks"]}["box"] is None
    assert told("doctor", "--dir", str(tmp_path / "nothing"))[1]["error"] == "node.absent"
    (box.directory / "settings.toml").write_text("[nodes]\n", "utf-8")
    code, found = told("doctor", "--dir", str(box.directory))
    assert code == 1 and found["checks"][0]["check"] == "settings" and not found["checks"][0]["ok"]


@pytest.mark.parametrize(
    ("check", "ok", "words"),
    [
        (doctor.fonts_check([]), False, "fonts-noto-cjk"),
        (doctor.fonts_check(["/x/DejaVuSansMono.ttf"]), False, "fonts-noto-cjk"),
        (doctor.disk_check(100 * 1024 * 1024), False, "100 MiB"),
        (doctor.disk_check(10**10), True, "free"),
        (doctor.clock_check(0, None), False, "timedatectl"),
        (doctor.clock_check(doctor.BUILT_MS + 1, doctor.BUILT_MS + 10**7), False, "behind"),
        (doctor.clock_check(doctor.BUILT_MS + 10**7, doctor.BUILT_MS), True, "not behind"),
        (doctor.udev_check(None), False, "libudev1"),
        (doctor.udev_check(False), False, "systemd-udevd"),
        (doctor.udev_check(True), True, "heard"),
        (doctor.access_check("gun-1", "/dev/there-is-none", Who("way", lambda path: True)), False, "not there"),
        (doctor.access_check("gun-1", "/dev/null", Who("way", lambda path: False)), False, "usermod -aG dialout way"),
        (doctor.access_check("gun-1", "/dev/null", Who("way", lambda path: True)), True, "may open"),
        (music_check("hall", "/dev/null"), False, "sox FILE"),
        (doctor.pairing_check([], Who("way", lambda path: False)), True, "listened"),
        (doctor.pairing_check([Plug("/dev/input/event7", "hid", SERIAL, "u", "Gun")], Who("way", lambda path: False)),
         None, 'GROUP="way"'),
    ],
)  # fmt: skip
def test_each_check_says_what_to_do(check: doctor.Check, ok: bool | None, words: str) -> None:
    assert check.ok is ok
    assert words in f"{check.sentence} {check.step}"
    assert bool(check.step) or ok is not False
