"""A vendor's service on this machine under its keeper: whether anybody answers at its address, and one question a time.

That its port is open is all that can be known without asking a person to sign or to look up.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from hardware.drivers.supervisor import Device
from hardware.drivers.vendor_service import CONNECT_S, ServiceOutcome, VendorService
from sync.kernel.outcome import Unavailable

LOOK_S = 10.0


class ServiceDesk:
    """A session for `supervisor.Keeper`. `base`: the service's address, of which host and port are tried."""

    def __init__(self, service: VendorService, base: str, device: Device, *, look_s: float = LOOK_S) -> None:
        told = urlsplit(base)
        self._service = service
        self._place = (told.hostname or "127.0.0.1", told.port or 80)
        self._device = device
        self._look_s = look_s
        self._over = threading.Event()
        self._closed = False
        self._open = False

    def ask(self, words: Mapping[str, str]) -> ServiceOutcome:
        """As `VendorService.ask`; the device is busy meanwhile."""
        if not self._open:
            raise Unavailable("device.gone")
        self._device.say("busy")
        try:
            return self._service.ask(words)
        finally:
            if self._open:
                self._device.say("ready")

    def cancel(self) -> None:
        self._service.cancel()

    def run(self, opened: Callable[[], None]) -> None:
        """Unavailable `device.gone` once nobody answers there."""
        self._over.clear()
        if self._closed:
            raise Unavailable("device.closed")
        self._knock()
        self._open = True
        try:
            opened()
            while not self._over.wait(self._look_s):
                self._knock()
            raise Unavailable("device.closed")
        finally:
            self._open = False
            self._service.cancel()

    def drop(self) -> None:
        self._over.set()

    def close(self) -> None:
        self._closed = True
        self.drop()

    def _knock(self) -> None:
        try:
            socket.create_connection(self._place, CONNECT_S).close()
        except OSError:
            raise Unavailable("service.away", retry_s=2.0) from None
