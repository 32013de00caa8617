"""From the address in a box's settings to the line it names."""

from __future__ import annotations

import os
from collections.abc import Callable

from hardware.ports import ByteStream
from hardware.transports.char_device import CharDeviceStream
from hardware.transports.evdev_input import InputStream
from hardware.transports.serial_url import SerialStream
from hardware.transports.tcp import TcpStream

HID = "hid:"


def opener(url: str, baud: int = 9600) -> Callable[[], ByteStream]:
    """`socket://host:port`, `hid:/dev/input/eventN`, `/dev/usb/lpN`, else a serial device at `baud`."""
    if url.startswith(HID):
        return lambda: InputStream(url.removeprefix(HID))
    if url.startswith("socket://"):
        host, port = host_and_port(url)
        return lambda: TcpStream(host, port)
    if url.startswith("/dev/usb/lp"):
        return lambda: CharDeviceStream(url)
    return lambda: SerialStream(url, baud)


def host_and_port(url: str) -> tuple[str, int]:
    """Of `scheme://host:port`."""
    host, _, port = url.partition("://")[2].rstrip("/").rpartition(":")
    return host, int(port)


def node_of(url: str) -> str:
    """The device node that an address names, links resolved; empty for what is on the network."""
    path = url.removeprefix(HID)
    return os.path.realpath(path) if path.startswith("/") else ""
