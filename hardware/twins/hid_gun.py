"""A gun in keyboard mode that the kernel does not know of: umockdev shows its node to one program and its children.

`umockdev-run` plays scans from a file; `hid_testbed.py` plugs and unplugs. Grabbing always succeeds there: that a grab
keeps others out is shown only with a real kernel device. Source: umockdev 0.17, README and docs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from hardware.codecs.keymap import EV_KEY, EV_SYN, KEY_ENTER, SHIFTS, US_KEYS

BUS_USB, VENDOR, PRODUCT, VERSION = 3, 0x1EAB, 0x8003, 0x0110
EV_MSC, MSC_SCAN = 4, 4
NAME, PHYS = b"Waystation virtual barcode gun", b"usb-0000:00:14.0-1/input0"
NAME_BYTES, BITS_BYTES = 256, 96


def device_description(event_no: int, port: str = "1-1") -> str:
    """The lines that `umockdev-run -d` and `UMockdev.Testbed.add_from_string` read."""
    path = f"/devices/pci0000:00/0000:00:14.0/usb1/{port}/{port}:1.0/input/input{event_no}/event{event_no}"
    return "\n".join(
        [
            f"P: {path}",
            f"N: input/event{event_no}",
            f"S: input/by-path/pci-0000:00:14.0-usb-0:{port[-1]}:1.0-event-kbd",
            f"E: DEVNAME=/dev/input/event{event_no}",
            "E: SUBSYSTEM=input",
            "E: ID_INPUT=1",
            "E: ID_INPUT_KEYBOARD=1",
            f"E: ID_VENDOR_ID={VENDOR:04x}",
            f"E: ID_MODEL_ID={PRODUCT:04x}",
            f"E: ID_PATH=pci-0000:00:14.0-usb-0:{port[-1]}:1.0",
            f"A: dev=13:{64 + event_no}",
            "",
            "",
        ]
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
    """Files for one virtual gun in `folder`, and the command line that shows it to a program."""

    def __init__(self, folder: Path, event_no: int = 7) -> None:
        self._folder = folder
        self._event_no = event_no
        self.node = f"/dev/input/event{event_no}"

    def command(self, texts: Sequence[str], program: Sequence[str]) -> list[str]:
        """Write the files; run what this answers, and `program` sees the gun scan `texts` once it opens the node."""
        device, ioctl, events = self._write(texts)
        shown = ["-d", str(device), "-i", f"{self.node}={ioctl}", "-e", f"{self.node}={events}"]
        return ["umockdev-run", *shown, "--", *program]

    def testbed_command(self, texts: Sequence[str], program: Sequence[str]) -> list[str]:
        """The same for `hid_testbed.py`: the gun is absent until its standard input says `plug`; `scan_word` scans."""
        device, ioctl, _ = self._write(texts)
        testbed = str(Path(__file__).with_name("hid_testbed.py"))
        return ["umockdev-wrapper", "/usr/bin/python3", testbed, str(device), str(ioctl), "--", *program]

    @property
    def scan_word(self) -> str:
        return f"scan {self._folder / 'gun.events'}"

    def _write(self, texts: Sequence[str]) -> tuple[Path, Path, Path]:
        self._folder.mkdir(parents=True, exist_ok=True)
        device, ioctl, events = (self._folder / name for name in ("gun.umockdev", "gun.ioctl", "gun.events"))
        device.write_text(device_description(self._event_no), encoding="ascii")
        ioctl.write_text(ioctl_answers(self._event_no), encoding="ascii")
        events.write_text(scan_events(texts), encoding="ascii")
        return device, ioctl, events
