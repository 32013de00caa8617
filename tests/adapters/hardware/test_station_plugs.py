"""A station's devices plugged in and out under umockdev, named by what they are: real libudev, SANE's test backend."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardware.twins.hid_gun import HidGunTwin
from tests.adapters.hardware.test_plugs import READY_S, SHOWN_S, Room
from tests.soak import many

CYCLES = many(6, 60)


def scanner_at(folder: Path, port: str, number: int, serial: str) -> Path:
    """A USB scanner as udev tells of it; its device number is another one at each plug, as a kernel gives it."""
    description = folder / f"scanner-{port}-{number}.umockdev"
    description.write_text(
        f"P: /devices/pci0000:00/0000:00:14.0/usb1/{port}\nN: bus/usb/001/{number:03d}\n"
        f"E: DEVNAME=/dev/bus/usb/001/{number:03d}\nE: SUBSYSTEM=usb\nE: DEVTYPE=usb_device\n"
        f"E: ID_VENDOR_ID=04b8\nE: ID_MODEL_ID=0142\nE: ID_SERIAL_SHORT={serial}\nA: dev=189:{number}\n\n",
        encoding="ascii",
    )
    return description


@pytest.fixture
def room(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    sane = tmp_path / "sane.d"
    sane.mkdir()
    (sane / "dll.conf").write_text("test\n")
    shutil.copy("/etc/sane.d/test.conf", sane)
    monkeypatch.setenv("SANE_CONFIG_DIR", str(sane))
    room = Room(request.config.rootpath, "station_child.py")
    yield room
    room.close()


@pytest.mark.row("E01.3")
def test_a_foot_switch_is_found_by_what_it_is_wherever_it_is_plugged_in(room: Room, tmp_path: Path) -> None:
    room.wait("state", name="foot", state="absent", reason="device.unplugged")
    room.do("tell size")
    before, _ = room.wait("size")
    for turn in range(CYCLES):
        twin = HidGunTwin(tmp_path / "pedal", event_no=7 + turn, port=f"1-{1 + turn % 2}")
        at = len(room.said)
        plugged_s = room.do(twin.plug())
        _, ready_s = room.wait("state", at, name="foot", state="ready")
        assert ready_s - plugged_s < 10 * READY_S
        room.do(twin.scan(["b"]))
        room.wait("press", at, name="foot")
        unplugged_s = room.do(twin.unplug())
        _, shown_s = room.wait("state", at, name="foot", state="lost", reason="device.unplugged")
        assert shown_s - unplugged_s < 10 * SHOWN_S
    at = len(room.said)
    room.do("tell size")
    after, _ = room.wait("size", at)
    assert after["threads"] <= before["threads"] + 1 and after["fds"] <= before["fds"] + 4


@pytest.mark.row("E01.3")
def test_a_usb_scanner_is_the_one_that_the_settings_mean(room: Room, tmp_path: Path) -> None:
    room.wait("state", name="desk", state="absent", reason="device.unplugged")
    other, own = scanner_at(tmp_path, "1-4", 4, "S2"), scanner_at(tmp_path, "1-3", 5, "S1")
    room.do(f"plug {other}")
    room.wait("plug", path="/dev/bus/usb/001/004", line="usb")
    at = len(room.said)
    plugged_s = room.do(f"plug {own}")
    _, ready_s = room.wait("state", at, name="desk", state="ready")
    assert ready_s - plugged_s < 10 * READY_S
    unplugged_s = room.do(f"unplug {own}")
    _, shown_s = room.wait("state", at, name="desk", state="lost", reason="device.unplugged")
    assert shown_s - unplugged_s < 10 * SHOWN_S
    assert not any(said.get("state") == "ready" for said, _ in room.said[:at]), "another of its model is not it"
