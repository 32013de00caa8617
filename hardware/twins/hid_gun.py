"""A gun in keyboard mode that the kernel does not know of: umockdev shows its node to one program and its children.

`umockdev-run` plays scans from a file; `hid_testbed.py` plugs and unplugs whole devices. Grabbing always succeeds
there: that a grab keeps others out is shown only with a real kernel device. Source: umockdev 0.17, README and docs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from hardware.codecs.keymap import EV_KEY, EV_SYN, KEY_ENTER, SHIFTS, US_KEYS

BUS_USB, VENDOR, PRODUCT, VERSION = 3, 0x1EAB, 0x8003, 0x0110
EV_MSC, MSC_SCAN = 4, 4
NAME, PHYS = b"Waystation virtual barcode gun", b"usb-0000:00:14.0-1/input0"
NAME_BYTES, BITS_BYTES = 256, 96


def device_description(event_no: int, port: str = "1-1", interface: int = 0, serial: str = "") -> str:
    """The lines that `umockdev-run -d` and `UMockdev.Testbed.add_from_string` read: a node, and the USB device above.

    `port`: where it is plugged in, as the kernel writes it. Guns of one model differ in it alone.
    """
    usb = usb_path(port)
    path = f"{usb}/{port}:1.{interface}/input/input{event_no}/event{event_no}"
    place = f"pci-0000:00:14.0-usb-0:{port.partition('-')[2]}:1.{interface}"
    return "\n".join(
        [
            f"P: {path}",
            f"N: input/event{event_no}",
            f"E: DEVNAME=/dev/input/event{event_no}",
            "E: SUBSYSTEM=input",
            "E: ID_INPUT=1",
            *(["E: ID_INPUT_KEYBOARD=1"] if interface == 0 else ["E: ID_INPUT_KEY=1"]),
            f"E: ID_VENDOR_ID={VENDOR:04x}",
            f"E: ID_MODEL_ID={PRODUCT:04x}",
            "E: ID_MODEL=Virtual_Barcode_Gun",
            *([f"E: ID_SERIAL_SHORT={serial}"] if serial else []),
            f"E: ID_PATH={place}",
            f"A: dev=13:{64 + event_no}",
            "",
            "",
        ]
    )


def usb_path(port: str) -> str:
    """Where sysfs has the USB device on this port."""
    return f"/devices/pci0000:00/0000:00:14.0/usb1/{port}"


def usb_description(port: str) -> str:
    """The USB device that the interfaces of one gun share."""
    return "\n".join(
        [f"P: {usb_path(port)}", "E: SUBSYSTEM=usb", "E: DEVTYPE=usb_device", f"E: ID_VENDOR_ID={VENDOR:04x}", "", ""]
    )


def ioctl_answers(event_no: int) -> str:
    """What the node answers, in the lengths python-evdev asks for."""
    keys = bytearray(BITS_BYTES)
    for code in (*US_KEYS, KEY_ENTER, *SHIFTS, 29, 56):
        keys[code // 8] |= 1 << code % 8
    types = (1 << EV_SYN | 1 << EV_KEY | 1 << EV_MSC).to_bytes(4, "little")
    misc = bytearray(BITS_BYTES)
    misc[0] = 1 << MSC_SCAN
    ids = b"".join(part.to_bytes(2, "little") for part in (BUS_USB, VENDOR, PRODUCT, VERSION))

    def text(value: bytes) -> str:
        return f"{len(value) + 1} {value.ljust(NAME_BYTES, bytes(1)).hex().upper()}"

    return "\n".join(
        [
            f"@DEV /dev/input/event{event_no}",
            f"EVIOCGVERSION 0 {(0x010001).to_bytes(4, 'little').hex().upper()}",
            f"EVIOCGID 0 {ids.hex().upper()}",
            f"EVIOCGNAME({NAME_BYTES}) {text(NAME)}",
            f"EVIOCGPHYS({NAME_BYTES}) {text(PHYS)}",
            f"EVIOCGUNIQ({NAME_BYTES}) {text(b'')}",
            f"EVIOCGBIT(0) 4 {types.hex().upper()}",
            f"EVIOCGBIT(1) {BITS_BYTES} {keys.hex().upper()}",
            f"EVIOCGBIT(4) {BITS_BYTES} {misc.hex().upper()}",
            "",
        ]
    )


def keys_of(text: str) -> list[tuple[int, bool]]:
    """(key code, shifted) of each character, and Enter behind them. ValueError for what no US keyboard types."""
    plain = {chr(chars[0]): code for code, chars in reversed(US_KEYS.items())}
    shifted = {chr(chars[1]): code for code, chars in reversed(US_KEYS.items())}
    found = []
    for char in text:
        if char not in plain and char not in shifted:
            raise ValueError("a gun in keyboard mode cannot type this")
        found.append((plain[char], False) if char in plain else (shifted[char], True))
    return [*found, (KEY_ENTER, False)]


def scan_events(texts: Iterable[str], gap_ms: int = 2) -> str:
    """The `E:` lines of scans, one a second.

    Each begins a tenth into its second: microseconds with a leading zero would be read as octal by umockdev.
    """
    lines = []
    for second, text in enumerate(texts, start=1):
        at_ms = 100
        for code, shifted in keys_of(text):
            strokes = [[(EV_MSC, MSC_SCAN, code), (EV_KEY, code, 1)], [(EV_KEY, code, 0)]]
            if shifted:
                strokes = [[(EV_KEY, SHIFTS[0], 1)], *strokes, [(EV_KEY, SHIFTS[0], 0)]]
            for stroke in strokes:
                for kind, key, value in (*stroke, (EV_SYN, 0, 0)):
                    lines.append(f"E: {second}.{at_ms * 1000} {kind:04x} {key:04x} {value}")
                at_ms += gap_ms
        if at_ms >= 1000:
            raise ValueError("too long for a second")
    return "\n".join([*lines, ""])


class HidGunTwin:
    """Files for one virtual gun in `folder`, and the words and command lines that show it to a program.

    `interfaces` 2: beside the keyboard a second node of media keys, as many guns have.
    """

    def __init__(
        self, folder: Path, event_no: int = 7, port: str = "1-1", serial: str = "", interfaces: int = 1
    ) -> None:
        self._folder = folder
        self._event_no = event_no
        self._port = port
        self._serial = serial
        self._interfaces = interfaces
        self._plugged = 0
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def node(self) -> str:
        """The node of its keyboard, or the one it will get."""
        return f"/dev/input/event{self._event_no + 100 * max(0, self._plugged - 1)}"

    def command(self, texts: Sequence[str], program: Sequence[str]) -> list[str]:
        """Run what this answers, and `program` sees the gun scan `texts` once it opens the node."""
        self._plugged += 1
        device, ioctl, events = self._described()
        events.write_text(scan_events(texts), encoding="ascii")
        shown = ["-d", str(device), "-i", f"{self.node}={ioctl}", "-e", f"{self.node}={events}"]
        return ["umockdev-run", *shown, "--", *program]

    def plug(self) -> str:
        """The testbed's word. The node gets a new number each time, as from a kernel that has used the old one."""
        self._plugged += 1
        device, ioctl, _ = self._described()
        return f"plug {device} {ioctl}"

    def unplug(self) -> str:
        return f"unplug {self._described()[0]}"

    def scan(self, texts: Sequence[str]) -> str:
        events = self._described()[2]
        events.write_text(scan_events(texts), encoding="ascii")
        return f"scan {self.node} {events}"

    def _described(self) -> tuple[Path, Path, Path]:
        first = int(self.node.removeprefix("/dev/input/event"))
        device, ioctl, events = (self._folder / f"gun{first}.{kind}" for kind in ("umockdev", "ioctl", "events"))
        nodes = [device_description(first + n, self._port, n, self._serial) for n in range(self._interfaces)]
        device.write_text(usb_description(self._port) + "".join(nodes), encoding="ascii")
        ioctl.write_text(ioctl_answers(first), encoding="ascii")
        return device, ioctl, events


def on_a_testbed(program: Sequence[str]) -> list[str]:
    """`program` on a machine on which nothing is plugged in; the testbed takes the twins' words on standard input."""
    return ["umockdev-wrapper", "/usr/bin/python3", str(Path(__file__).with_name("hid_testbed.py")), *program]
