"""Which of what is plugged in is whose, and what may be listened to."""

import pytest

from hardware.drivers.plugs import Plugs, candidates
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
