"""Signature pads and face terminals behind their vendors' services on this machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from appliance.features.devices.desks.bench import Bench, Record
from appliance.features.devices.trials import Hand
from appliance.settings import VendorService as ServiceSettings
from hardware.codecs.service_mapping import read_mapping
from hardware.drivers.service_desk import ServiceDesk
from hardware.drivers.vendor_service import VendorService
from hardware.profiles import services
from sync.kernel.outcome import PeerFault, Unavailable

PROMPT = "试签：请随便写一笔"
REQUEST_BYTES = 8


def service_of(
    told: ServiceSettings, mono_s: Callable[[], float] = time.monotonic, record: Record = lambda entry: None
) -> VendorService:
    """By a shipped mapping, or a file of the hospital's own. PeerFault `settings` where file or address is wrong."""
    try:
        if told.mapping in services.names():
            mapping = services.load(told.mapping)
        else:
            mapping = read_mapping(told.mapping, Path(told.mapping).read_text("utf-8"))
        return VendorService(mapping, told.url, mono_s, record)
    except (OSError, ValueError) as fault:
        raise PeerFault("settings", f"devices.services {told.name}: {fault}") from None


def keep_service(bench: Bench, told: ServiceSettings) -> ServiceDesk:
    """A service's desk, kept open; its trial asks for one signature or one look, of which nothing is kept."""
    service = service_of(told, bench.mono_s, bench.record(told.name, "service"))
    mapping = service.mapping
    base = told.url or mapping.url
    desk = bench.keep(mapping.kind, told.name, lambda device: ServiceDesk(service, base, device), "")
    request = partial(bench.new_key, REQUEST_BYTES)
    bench.trials.offer(
        told.name, "signature" if mapping.kind == "signature-pad" else "look",
        lambda hand: _try(desk, request().hex(), hand),
    )  # fmt: skip
    return desk


def _try(desk: ServiceDesk, request: str, hand: Hand) -> None:
    hand.on_stop(desk.cancel)
    threading.Thread(target=_ask, args=(desk, request, hand), name="service-trial", daemon=True).start()


def _ask(desk: ServiceDesk, request: str, hand: Hand) -> None:
    try:
        outcome = desk.ask({"request": request, "prompt": PROMPT})
    except Unavailable as fault:
        hand.end("failed", fault.code.removeprefix("device."))
        return
    hand.measure(len(outcome.image))
    hand.end("done" if outcome.state == "done" else "failed", outcome.code.removeprefix("service."))
