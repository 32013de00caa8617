"""Hears of plugs and unplugs from udev, through the system's libudev.

Source: udev(7), properties ID_PATH, ID_VENDOR_ID, ID_MODEL_ID, ID_SERIAL_SHORT, ID_INPUT_KEYBOARD,
ID_V4L_CAPABILITIES, DEVTYPE.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable, Mapping
from typing import Any, Literal

from hardware.ports import Identity, Plug
from sync.kernel.outcome import Unavailable

SUBSYSTEMS = ("input", "tty", "video4linux", "usb")


def plug_of(properties: Mapping[str, str], usb: str) -> Plug | None:
    """A node that types, a serial port on a bus, a camera's pictures, or a USB device itself. None for any other.

    `usb`: the sysfs path of the USB device above it, empty where there is none.
    """
    path, port = properties.get("DEVNAME", ""), properties.get("ID_PATH", "")
    line = _line(properties, path)
    if line == "usb":
        port = port or properties.get("DEVPATH", "").rpartition("/")[2]
        usb = properties.get("DEVPATH", "")
    if line is None or not path or not port:
        return None
    identity = Identity(
        port,
        properties.get("ID_VENDOR_ID", ""),
        properties.get("ID_MODEL_ID", ""),
        properties.get("ID_SERIAL_SHORT", ""),
    )
    title = properties.get("ID_MODEL_FROM_DATABASE") or properties.get("ID_MODEL", "").replace("_", " ")
    return Plug(path, line, identity, usb or path, title)


def _line(properties: Mapping[str, str], path: str) -> Literal["hid", "serial", "video", "usb"] | None:
    match properties.get("SUBSYSTEM"):
        case "input":
            return "hid" if properties.get("ID_INPUT_KEYBOARD") == "1" and "/event" in path else None
        case "tty":
            return "serial"
        case "video4linux":
            # A camera has nodes for what it tells of its pictures, too.
            return "video" if ":capture:" in properties.get("ID_V4L_CAPABILITIES", "") else None
        case "usb":
            return "usb" if properties.get("DEVTYPE") == "usb_device" else None
    return None


class UdevWatch:
    """A thread that tells of nodes that come and of paths that go; some are told twice.

    It listens first and looks then, so that nothing falls in between.
    """

    def __init__(self, plugged: Callable[[Plug], None], unplugged: Callable[[str], None]) -> None:
        self._plugged = plugged
        self._unplugged = unplugged
        self._wake_r, self._wake_w = -1, -1
        self._thread: threading.Thread | None = None
        self._context: Any = None
        self._monitor: Any = None

    def start(self) -> None:
        """Returns when what is there is known. Unavailable `udev.absent` where this machine has no udev to ask."""
        try:
            import pyudev  # loads libudev, which a machine without devices can do without

            self._context = pyudev.Context()
            self._monitor = pyudev.Monitor.from_netlink(self._context)
            for subsystem in SUBSYSTEMS:
                self._monitor.filter_by(subsystem)
            self._monitor.start()
            self._look()
        except (ImportError, OSError, RuntimeError) as fault:
            raise Unavailable("udev.absent") from fault
        self._wake_r, self._wake_w = os.pipe()
        self._thread = threading.Thread(target=self._run, name="udev", daemon=True)
        self._thread.start()

    def close(self) -> None:
        thread, self._thread = self._thread, None
        if thread is None:
            return
        os.write(self._wake_w, b"x")
        thread.join(timeout=10.0)
        os.close(self._wake_r)
        os.close(self._wake_w)
        self._monitor = self._context = None

    def _look(self) -> None:
        for subsystem in SUBSYSTEMS:
            for device in self._context.list_devices(subsystem=subsystem):
                self._told(device, "add")

    def _run(self) -> None:
        while True:
            ready, _, _ = select.select([self._monitor.fileno(), self._wake_r], [], [])
            if self._wake_r in ready:
                return
            try:
                device = self._monitor.poll(timeout=0)
            except OSError:
                # The kernel's buffer overflowed: what was lost is found by looking.
                self._look()
                continue
            if device is not None:
                self._told(device, device.action)

    def _told(self, device: Any, action: str) -> None:
        if action == "remove":
            self._unplugged(device.properties.get("DEVNAME", ""))
            return
        above = device.find_parent("usb", "usb_device")
        plug = plug_of(device.properties, "" if above is None else above.device_path)
        if plug is not None:
            self._plugged(plug)
