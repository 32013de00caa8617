"""What a box and its devices need of their machine, looked at one by one: what is wrong and what to do about it.

A check whose answer nobody can know says so; it is not taken for fine.
"""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from appliance.settings import Settings
from hardware.drivers.glyphs import FONT_PLACES
from hardware.drivers.opening import node_of
from hardware.drivers.plugs import SCANS
from hardware.ports import Plug
from hardware.transports.udev import UdevWatch
from provisioning.cli import look
from provisioning.cli.device_look import devices
from provisioning.cli.doctor_station import node_urls, station_checks
from sync.adapters import settings_file
from sync.adapters.clock import SystemClock
from sync.kernel.outcome import PeerFault, Unavailable

DISK_LOW_BYTES = 500 * 1024 * 1024
AHEAD_MS = 5 * 60 * 1000
BUILT_MS = 1_764_547_200_000
"""2025-12-01: no clock of a machine with this release can be right before it."""


@dataclass(frozen=True, slots=True)
class Check:
    """`ok` None: nobody can know. `step`: what to do, empty where there is nothing to do.

    A device of a running box is told in Chinese as well, in the words of its page.
    """

    check: str
    ok: bool | None
    sentence: str
    step: str = ""
    sentence_zh: str = ""
    step_zh: str = ""


def examine(directory: Path) -> dict[str, Any]:
    """All checks. Raises Unavailable `node.absent` where no box lives."""
    if not (directory / "settings.toml").is_file():
        raise Unavailable("node.absent")
    try:
        settings = settings_file.load(Settings, directory / "settings.toml", os.environ)
    except PeerFault as fault:
        checks = [Check("settings", False, f"A setting is wrong: {fault}.", "Correct settings.toml and start again.")]
        return _told(checks)
    plugs, watch = list[Plug](), None
    try:
        watch = UdevWatch(plugs.append, lambda path: None)
        watch.start()
        watch.close()
        udev = udev_check(Path("/run/udev/control").exists())
    except Unavailable:
        udev = udev_check(None)
    checks = [
        Check("settings", True, "settings.toml says nothing wrong."),
        fonts_check([place.path for place in FONT_PLACES if Path(place.path).is_file()]),
        disk_check(shutil.disk_usage(directory).free),
        clock_check(SystemClock().wall_ms(), _hub_ms(directory)),
        udev,
        *(access_check(name, node, who()) for name, node in _nodes(settings)),
        *(Check(*each) for each in station_checks(settings.devices, plugs)),
        pairing_check(plugs, who()),
        *_running(directory),
    ]
    return _told(checks)


def _told(checks: Iterable[Check]) -> dict[str, Any]:
    told = [asdict(each) for each in checks]
    return {"ok": all(each["ok"] is not False for each in told), "checks": told}


def fonts_check(found: Iterable[str]) -> Check:
    names = [Path(path).name for path in found]
    if any("CJK" in name for name in names):
        return Check("fonts", True, f"Chinese is drawn with {names[0]}.")
    step = "Install one: apt-get install fonts-noto-cjk"
    return Check("fonts", False, "No Chinese font is installed: slips and labels would show code points.", step)


def disk_check(free_bytes: int) -> Check:
    free = f"{free_bytes // (1024 * 1024):,} MiB free"
    if free_bytes >= DISK_LOW_BYTES:
        return Check("disk", True, f"{free} where the box keeps its data.")
    return Check("disk", False, f"Only {free}: soon new work would be refused.", "Delete what does not belong here.")


def clock_check(now_ms: int, hub_ms: int | None) -> Check:
    """`hub_ms`: the newest time the hub has signed; None when it was never heard."""
    step = "Set it: timedatectl set-ntp true, or timedatectl set-time."
    if now_ms < BUILT_MS:
        return Check("clock", False, "The clock stands before this release was made.", step)
    if hub_ms is None:
        return Check("clock", None, "The hub was never heard, so nothing says whether the clock is right.")
    if now_ms + AHEAD_MS < hub_ms:
        return Check("clock", False, "The clock is behind a time that the hub has signed.", step)
    return Check("clock", True, "The clock is not behind what the hub has signed.")


def udev_check(running: bool | None) -> Check:
    """`running`: whether udev's daemon is there; None: its library is not."""
    if running:
        return Check("udev", True, "Plugs and unplugs are heard.")
    if running is None:
        step = "Install it: apt-get install libudev1"
        return Check("udev", False, "The library of udev is missing: no gun can be paired.", step)
    step = "Start it: systemctl start systemd-udevd"
    return Check("udev", False, "udev does not run: a gun that is plugged in is found late, none can be paired.", step)


@dataclass(frozen=True, slots=True)
class Who:
    """For whom rights are asked: `can(path)` says whether this user may read and write it."""

    user: str
    can: Callable[[str], bool]


def who() -> Who:
    """Who runs this command; run it as the user who runs the box."""
    try:
        user = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        user = str(os.geteuid())
    return Who(user, lambda path: os.access(path, os.R_OK | os.W_OK))


def access_check(name: str, node: str, asker: Who) -> Check:
    """One device with a node of its own."""
    if not os.path.exists(node):
        return Check(
            f"device {name}", False, f"{node} is not there.", "Plug it in, or correct its url in settings.toml."
        )
    if asker.can(node):
        return Check(f"device {name}", True, f"{asker.user} may open {node}.")
    return Check(f"device {name}", False, f"{asker.user} may not open {node}.", _group_step(node, asker.user))


def _group_step(node: str, user: str) -> str:
    if node.startswith("/dev/input/"):
        return (
            "Give the box's user its guns and no keyboard: a udev rule with the gun's idVendor and idProduct, "
            f'GROUP="{user}", MODE="0660" (docs/install).'
        )
    group = "video" if node.startswith("/dev/video") else "dialout"
    return f"Let the user in: usermod -aG {group} {user}, then start the box again."


def pairing_check(plugs: Iterable[Plug], asker: Who) -> Check:
    """Whether what could be a gun may be listened to; nobody can know of a shut one whether it is one."""
    shut = [plug for plug in plugs if plug.line in SCANS and not asker.can(plug.path)]
    if not shut:
        return Check(
            "pairing", True, "Whatever is plugged in and could be a gun may be listened to while it is paired."
        )
    first = shut[0]
    named = first.title or f"{first.identity.vendor}:{first.identity.product}"
    said = f"{len(shut)} plugged in may not be opened by {asker.user}, the first is {named} at {first.path}."
    return Check("pairing", None, said, f"If that is a gun: {_group_step(first.path, asker.user)}")


def _nodes(settings: Settings) -> list[tuple[str, str]]:
    told = settings.devices
    urls = [(gun.name, gun.url) for gun in told.guns]
    urls += [("receipt-printer", told.receipt_printer.url), ("label-printer", told.label_printer.url)]
    own = [(name, node) for name, url in urls if url and (node := node_of(url))]
    return [*own, *node_urls(told)]


def _hub_ms(directory: Path) -> int | None:
    try:
        with look.database(directory) as conn:
            row = conn.execute("SELECT value FROM meta WHERE name = 'hub_time_ms'").fetchone()
    except Unavailable:
        return None
    return None if row is None else int(row[0])


def _running(directory: Path) -> list[Check]:
    try:
        found = devices(directory)
    except Unavailable:
        step = f"Start it: waystation appliance run --dir {directory}"
        return [Check("box", None, "The box does not run, so nobody looks at its devices.", step)]
    told = [Check("box", True, "The box runs and answers.")]
    for each in found["devices"]:
        step = " ".join(f"{one}." for one in each["steps"][1:])
        step_zh = "".join(f"{one}。" for one in each["steps_zh"][1:])
        told.append(Check(f"device {each['name']}", each["ok"], each["sentence"], step, each["sentence_zh"], step_zh))
    return told
