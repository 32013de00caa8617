"""Which of what is plugged in is whose, and what may be listened to."""

import pytest

from hardware.drivers.plugs import Plugs, candidates, wanted_of
from hardware.ports import Identity, Plug
from hardware.transports.udev import plug_of
from sync.kernel.outcome import Unavailable

LEFT, RIGHT = Identity("usb-0:1:1.0", "1eab", "8003"), Identity("usb-0:2:1.0", "1eab", "8003")


def plug(path: str, identity: Identity, usb: str, line: str = "hid") -> Plug:
    return Plug(path, "hid" if line == "hid" else "serial", identity, usb)


@pytest.mark.row("F10.22")
@pytest.mark.parametrize(
    ("there", "expected", "why"),
    [
        ([plug("e1", LEFT, "u1")], "e1", "the thing on its socket"),
        ([plug("e2", RIGHT, "u2"), plug("e1", LEFT, "u1")], "e1", "its twin beside it changes nothing"),
        ([plug("e2", RIGHT, "u2")], "device.elsewhere", "its like, on another socket"),
        ([plug("e1", Identity(LEFT.port, "046d", "c31c"), "u1")], "device.other", "another thing on its socket"),
        (
            [plug("e1", Identity(LEFT.port, "1eab", "8003", "B2"), "u1")],
            "device.other",
            "one of its model with a number",
        ),
        ([plug("t1", LEFT, "u1", "serial")], "device.unplugged", "the same place, but no keyboard"),
        ([], "device.unplugged", "nothing"),
    ],
)
def test_a_bound_device_is_found_or_the_reason_is_named(there: list[Plug], expected: str, why: str) -> None:
    plugs = Plugs()
    for each in there:
        plugs.plugged(each)
    try:
        found = plugs.locate(LEFT, "hid").path
    except Unavailable as fault:
        found = fault.code
    assert found == expected, why


@pytest.mark.row("F10.22")
@pytest.mark.row("F10.23")
def test_only_what_has_no_role_is_listened_to() -> None:
    gun, keys = plug("e1", LEFT, "u1"), plug("e2", Identity("usb-0:1:1.1", "1eab", "8003"), "u1")
    keyboard, printer = plug("e3", RIGHT, "u2"), plug("/dev/ttyUSB0", Identity("p", "0416", "5011"), "u3", "serial")
    everything = [gun, keys, keyboard, printer]
    assert candidates(everything, [], []) == everything
    assert candidates(everything, [LEFT], ["/dev/ttyUSB0"]) == [keyboard], "both interfaces of a gun are its own"


@pytest.mark.row("E01.3")
@pytest.mark.parametrize(
    ("told", "there", "expected"),
    [
        ("04b8:0142", [("4", "S1", "1-3")], "4"),
        ("04b8:0142", [], "device.unplugged"),
        ("04b8:0142", [("4", "S1", "1-3"), ("5", "S2", "1-4")], "device.two"),
        ("04b8:0142:S2", [("4", "S1", "1-3"), ("5", "S2", "1-4")], "5"),
        ("04b8:0142@1-3", [("4", "S1", "1-3"), ("5", "S1", "1-4")], "4"),
        ("04b8:0142@1-9", [("4", "S1", "1-3")], "device.elsewhere"),
        ("04b9:0142@1-3", [("4", "S1", "1-3")], "device.other"),
    ],
)
def test_a_thing_that_the_settings_name_is_found(told: str, there: list[tuple[str, str, str]], expected: str) -> None:
    plugs = Plugs()
    for number, serial, port in there:
        plugs.plugged(Plug(number, "usb", Identity(port, "04b8", "0142", serial), f"usb/{port}"))
    wanted = wanted_of(told, "usb")
    assert wanted is not None
    try:
        found = plugs.find(wanted).path
    except Unavailable as fault:
        found = fault.code
    assert found == expected


def test_a_camera_and_a_usb_thing_are_known_and_scan_no_codes() -> None:
    base = {"ID_VENDOR_ID": "04b8", "ID_MODEL_ID": "0142", "ID_PATH": "pci-0-usb-0:1:1.0"}
    camera = {**base, "SUBSYSTEM": "video4linux", "DEVNAME": "/dev/video0"}
    seen = plug_of({**camera, "ID_V4L_CAPABILITIES": ":capture:"}, "u1")
    assert seen is not None and (seen.line, seen.usb) == ("video", "u1")
    assert plug_of({**camera, "ID_V4L_CAPABILITIES": ":"}, "u1") is None, "what it tells of its pictures is no picture"
    usb = {**base, "SUBSYSTEM": "usb", "DEVTYPE": "usb_device", "DEVNAME": "/dev/bus/usb/001/005", "ID_PATH": "",
           "DEVPATH": "/devices/usb1/1-3"}  # fmt: skip
    thing = plug_of(usb, "")
    assert thing is not None and (thing.line, thing.identity.port, thing.usb) == ("usb", "1-3", "/devices/usb1/1-3")
    assert plug_of({**usb, "DEVTYPE": "usb_interface"}, "") is None
    assert candidates([seen, thing], [], []) == []


@pytest.mark.parametrize("text", ["", "04b8", "04B8:0142", "04b8:0142@", "04b8-0142", "04b8:0142:"])
def test_what_names_no_thing_is_refused(text: str) -> None:
    assert wanted_of(text, "usb") is None


def test_who_listens_is_told_once_of_each_change() -> None:
    plugs, told = Plugs(), list[tuple[str, bool]]()
    plugs.listen(hear := lambda each, here: told.append((each.path, here)))
    for _ in range(2):
        plugs.plugged(plug("e1", LEFT, "u1"))
    plugs.unplugged("e1")
    plugs.unplugged("e1")
    plugs.forget(hear)
    plugs.plugged(plug("e1", LEFT, "u1"))
    assert told == [("e1", True), ("e1", False)]


@pytest.mark.parametrize(
    ("properties", "found", "why"),
    [
        (
            {"SUBSYSTEM": "input", "DEVNAME": "/dev/input/event3", "ID_INPUT_KEYBOARD": "1", "ID_PATH": "p"},
            "hid",
            "a gun",
        ),
        (
            {"SUBSYSTEM": "input", "DEVNAME": "/dev/input/mouse0", "ID_INPUT_MOUSE": "1", "ID_PATH": "p"},
            None,
            "a mouse",
        ),
        (
            {"SUBSYSTEM": "input", "DEVNAME": "/dev/input/js0", "ID_INPUT_KEYBOARD": "1", "ID_PATH": "p"},
            None,
            "not raw",
        ),
        ({"SUBSYSTEM": "tty", "DEVNAME": "/dev/ttyACM0", "ID_PATH": "p"}, "serial", "a serial gun"),
        ({"SUBSYSTEM": "tty", "DEVNAME": "/dev/tty1"}, None, "a console hangs on no bus"),
        ({"SUBSYSTEM": "block", "DEVNAME": "/dev/sda", "ID_PATH": "p"}, None, "a disk"),
        ({"SUBSYSTEM": "input", "ID_PATH": "p"}, None, "an input without a node"),
        ({}, None, "nothing"),
    ],
)
def test_what_udev_tells_is_a_gun_s_node_or_nobody_s(properties: dict[str, str], found: str | None, why: str) -> None:
    made = plug_of(properties, "")
    assert (None if made is None else made.line) == found, why
