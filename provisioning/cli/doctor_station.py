"""What scanners, cameras, foot switches, loudspeakers and vendors' services need of their machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from appliance.features.devices.desks.scanners import FOLDER
from appliance.features.devices.desks.services import service_of
from appliance.features.devices.desks.speakers import music_of
from appliance.settings import Devices
from hardware.drivers.opening import node_of
from hardware.drivers.plugs import Plugs, wanted_of
from hardware.ports import Plug
from sync.kernel.outcome import PeerFault, Unavailable


class Needed(NamedTuple):
    """`ok` None: nobody can know."""

    check: str
    ok: bool | None
    sentence: str
    step: str = ""


def station_checks(
    told: Devices, plugs: Iterable[Plug], which: Callable[[str], str | None] = shutil.which
) -> Iterator[Needed]:
    """One a program that is needed, one a device that has no node of its own."""
    if any(not each.url.startswith(FOLDER) for each in told.scanners):
        yield program("scanimage", "sane-utils", "Scanners", which)
    if any(each.url.startswith("http") for each in told.scanners):
        yield airscan_check(any(Path("/usr/lib").glob("*/sane/libsane-airscan.so*")))
    if told.speakers:
        yield program("aplay", "alsa-utils", "Loudspeakers", which)
        yield program("espeak-ng", "espeak-ng", "Loudspeakers", which)
    for speaker in told.speakers:
        if speaker.music:
            yield music_check(speaker.name, speaker.music)
    for scanner in told.scanners:
        if scanner.url.startswith(FOLDER):
            yield folder_check(scanner.name, Path(scanner.url.removeprefix(FOLDER)))
    table = Plugs()
    for plug in plugs:
        table.plugged(plug)
    named = [(each.name, each.usb, "usb") for each in told.scanners]
    named += [(each.name, each.usb, "video") for each in told.cameras]
    named += [(each.name, each.usb, "hid") for each in told.pedals]
    for name, usb, line in named:
        if usb:
            yield identity_check(name, usb, line, table)
    for service in told.services:
        try:
            service_of(service)
        except PeerFault as fault:
            yield Needed(
                f"device {service.name}", False, f"A setting is wrong: {fault}.", "Correct it in settings.toml."
            )


def node_urls(told: Devices) -> Iterator[tuple[str, str]]:
    """(name, node) of those that hang at a node of their own."""
    named = [(each.name, each.url, each.usb) for each in told.cameras]
    named += [(each.name, each.url, each.usb) for each in told.pedals]
    for name, url, usb in named:
        if not usb and (node := node_of(url)):
            yield name, node


def program(name: str, package: str, whom: str, which: Callable[[str], str | None]) -> Needed:
    if which(name):
        return Needed(name, True, f"{name} is installed.")
    return Needed(
        name,
        False,
        f"{whom.capitalize()} need {name}, which is not installed.",
        f"Install it: apt-get install {package}",
    )


def airscan_check(there: bool) -> Needed:
    if there:
        return Needed("sane-airscan", True, "Network scanners can be spoken to.")
    step = "Install it: apt-get install sane-airscan"
    return Needed("sane-airscan", False, "Network scanners need sane-airscan, which is not installed.", step)


def music_check(name: str, path: str) -> Needed:
    if music_of(path):
        return Needed(f"device {name}", True, f"The music in {path} can be played.")
    step = f"Make it one: sox FILE -r 22050 -c 1 -b 16 {path}"
    return Needed(f"device {name}", False, f"{path} is no WAV file of one channel, 16 bit, 22,050 Hz.", step)


def folder_check(name: str, folder: Path) -> Needed:
    if not folder.is_dir():
        return Needed(f"device {name}", False, f"{folder} is not there.", f"Make it: mkdir -p {folder}")
    if os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return Needed(f"device {name}", True, f"Pages may be taken from {folder}.")
    return Needed(
        f"device {name}", False, f"Pages may not be taken from {folder}.", "Let the box's user read and write it."
    )


_SAYS = {
    "device.unplugged": ("is not plugged in", "Plug it in, or correct usb in settings.toml."),
    "device.elsewhere": ("hangs on another socket", "Plug it back, or correct usb in settings.toml."),
    "device.other": ("has another thing on its socket", "Plug it back, or correct usb in settings.toml."),
    "device.two": ("is plugged in twice", "Say which with @PORT in usb in settings.toml."),
}


def identity_check(name: str, usb: str, line: str, plugs: Plugs) -> Needed:
    """Whether the thing that the settings name is plugged in, and once."""
    wanted = wanted_of(usb, line)
    assert wanted is not None, "the settings were read"
    try:
        found = plugs.find(wanted)
    except Unavailable as fault:
        said, step = _SAYS[fault.code]
        return Needed(f"device {name}", False, f"{usb} {said}.", step)
    return Needed(f"device {name}", True, f"{usb} is at {found.path}.")
