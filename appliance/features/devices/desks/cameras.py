"""Document cameras: on USB by their node or by what they are, or a stream of the hospital's own network."""

from __future__ import annotations

import os
import re
import socket
import threading
from functools import partial
from urllib.parse import urlsplit

from appliance.features.devices.desks.bench import Bench
from appliance.features.devices.desks.page_codes import codes_on
from appliance.features.devices.trials import Hand
from appliance.settings import Camera
from hardware.drivers.camera_desk import CameraDesk
from hardware.drivers.opening import node_of
from hardware.drivers.plugs import Plugs, wanted_of
from hardware.ports import Wanted
from sync.kernel.outcome import Unavailable

KNOCK_S = 3.0
PORTS = {"http": 80, "https": 443, "rtsp": 554}


def keep_camera(bench: Bench, told: Camera) -> CameraDesk:
    """A camera's desk, kept open; its trial is a still."""
    wanted = wanted_of(told.usb, "video")
    find = partial(_source, told.url, bench.plugs, wanted)
    there = partial(_knock, told.url) if "://" in told.url else lambda: _nothing(find())
    record = bench.record(told.name, "camera")
    desk = bench.keep(
        "camera", told.name, lambda device: CameraDesk(find, there, device, mono_s=bench.mono_s, record=record),
        told.url, wanted,
    )  # fmt: skip
    bench.trials.offer(told.name, "still", partial(_try, desk))
    return desk


def _source(url: str, plugs: Plugs, wanted: Wanted | None) -> str:
    """What OpenCV opens. Unavailable `device.unplugged`, `device.no-access`, or what `Plugs.find` says."""
    if "://" in url:
        return url
    node = plugs.find(wanted).path if wanted is not None else node_of(url)
    found = re.fullmatch(r"/dev/video(\d+)", node)
    if found is None or not os.path.exists(node):
        raise Unavailable("device.unplugged", 2.0)
    if not os.access(node, os.R_OK | os.W_OK):
        raise Unavailable("device.no-access", 10.0)
    return found[1]


def _knock(url: str) -> None:
    """Whether anybody is at a stream's address; its pictures are looked at when somebody wants them."""
    told = urlsplit(url)
    try:
        socket.create_connection((told.hostname or "", told.port or PORTS.get(told.scheme, 80)), KNOCK_S).close()
    except OSError:
        raise Unavailable("device.gone", 2.0) from None


def _nothing(source: str) -> None:
    """That it could be found was the question."""


def _try(desk: CameraDesk, hand: Hand) -> None:
    threading.Thread(target=_take, args=(desk, hand), name="camera-trial", daemon=True).start()


def _take(desk: CameraDesk, hand: Hand) -> None:
    try:
        picture = desk.still()
    except Unavailable as fault:
        hand.end("failed", fault.code.removeprefix("device."))
        return
    if not hand.stopped():
        hand.show(picture, "image/jpeg")
        hand.codes(codes_on(picture))
    hand.end("stopped" if hand.stopped() else "done")
