"""A gun on a USB serial port that the kernel does not know of: umockdev shows its node and says what it read.

Source: umockdev 0.17, README, "Script" files: `r MILLISECONDS DATA`, where `^M` is a carriage return.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hardware.twins.hid_gun import usb_path

VENDOR, PRODUCT = 0x1A86, 0x7523


class CdcGunTwin:
    """Files for one in `folder`, and the words of `hid_testbed.py` that plug it in and out.

    A device that answers to nobody's opening: what it reads is written at its own pace from the plug on, and what came
    before somebody opened the port is gone, as on the real thing.
    """

    def __init__(self, folder: Path, node_no: int = 0, port: str = "1-5") -> None:
        self._folder = folder
        self._no = node_no
        self._port = port
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def node(self) -> str:
        return f"/dev/ttyACM{self._no}"

    @property
    def place(self) -> str:
        """udev's ID_PATH of it."""
        return f"pci-0000:00:14.0-usb-0:{self._port.partition('-')[2]}:1.0"

    def plug(self, texts: Iterable[str], every_ms: int = 100) -> str:
        """The testbed's word; from then on it reads these, one each `every_ms`. Plain ASCII without `^`."""
        name = self.node.removeprefix("/dev/")
        script = self._folder / f"{name}.script"
        lines = [f"d 0 {self.node}", *(f"r {every_ms} {text}^M" for text in texts), ""]
        script.write_text("\n".join(lines), encoding="ascii")
        self._device.write_text(
            "\n".join(
                [
                    f"P: {usb_path(self._port)}", "E: SUBSYSTEM=usb", "E: DEVTYPE=usb_device",
                    f"E: ID_VENDOR_ID={VENDOR:04x}", "",
                    f"P: {usb_path(self._port)}/{self._port}:1.0/tty/{name}", f"N: {name}", f"E: DEVNAME={self.node}",
                    "E: SUBSYSTEM=tty", f"E: ID_VENDOR_ID={VENDOR:04x}", f"E: ID_MODEL_ID={PRODUCT:04x}",
                    "E: ID_MODEL=Virtual_Serial_Gun", f"E: ID_PATH={self.place}", f"A: dev=166:{self._no}", "", "",
                ]
            ),
            encoding="ascii",
        )  # fmt: skip
        return f"serial {self._device} {self.node} {script}"

    def unplug(self) -> str:
        return f"unplug {self._device}"

    @property
    def _device(self) -> Path:
        return self._folder / f"ttyACM{self._no}.umockdev"
