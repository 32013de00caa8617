"""Document scanners: SANE, eSCL, and the folder of a vendor's program."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from appliance.features.devices.desks.bench import Bench
from appliance.features.devices.desks.page_codes import codes_on
from appliance.features.devices.trials import Hand
from appliance.settings import Scanner
from hardware import profiles
from hardware.drivers.escl_scanner import EsclScanner
from hardware.drivers.page_desk import PageDesk
from hardware.drivers.plugs import Plugs, wanted_of
from hardware.drivers.sane_scanner import SaneScanner
from hardware.drivers.watched_folder import WatchedFolder
from hardware.ports import PageSource, RunEnd, ScanWish, TakenPage, Wanted
from hardware.profiles import Profile

SANE, FOLDER = "sane:", "folder:"
USB = "{usb}"
KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class Found:
    """`trial` is what a trial reads from: of a folder, without taking a page away that somebody waits for."""

    source: PageSource
    trial: PageSource


def keep_scanner(bench: Bench, told: Scanner) -> PageDesk:
    """A scanner's desk, kept open; its trial takes one page."""
    line = "sane" if told.url.startswith(SANE) else "folder" if told.url.startswith(FOLDER) else "escl"
    profile = profiles.load(told.profile or ("watched-folder" if line == "folder" else f"{line}-scanner"))
    wanted = wanted_of(told.usb, "usb")
    found = _found(told, profile, bench.plugs, wanted)
    key, record = bench.new_key(KEY_BYTES), bench.record(told.name, "scanner")
    desk = bench.keep(
        "scanner", told.name, lambda device: PageDesk(found.source, device, key=key, record=record), told.url, wanted
    )
    wish = ScanWish(told.source, "colour", told.dpi or profile.dpi, pages_max=1)
    bench.trials.offer(told.name, "page", partial(_try, desk, wish, found.trial))
    return desk


def _found(told: Scanner, profile: Profile, plugs: Plugs, wanted: Wanted | None) -> Found:
    if told.url.startswith(SANE):
        words = {
            "flatbed": told.flatbed or profile.flatbed,
            "feeder": told.feeder or profile.feeder,
            "feeder-duplex": told.feeder_duplex or profile.feeder_duplex,
        }
        source = SaneScanner(partial(_sane_name, told.url, plugs, wanted), sources=words, page_s=profile.page_s)
        return Found(source, source)
    if told.url.startswith(FOLDER):
        folder = Path(told.url.removeprefix(FOLDER))
        settle_s = profile.settle_s
        return Found(WatchedFolder(folder, settle_s=settle_s), WatchedFolder(folder, settle_s=settle_s, leave=True))
    network = EsclScanner(told.url, page_s=profile.page_s)
    return Found(network, network)


def _sane_name(url: str, plugs: Plugs, wanted: Wanted | None) -> str:
    """SANE's name of it now. Unavailable where the thing that it has to be is not plugged in."""
    name = url.removeprefix(SANE)
    if wanted is None:
        return name
    bus, number = plugs.find(wanted).path.split("/")[-2:]
    return name.replace(USB, f"{bus}:{number}")


def _try(desk: PageDesk, wish: ScanWish, source: PageSource, hand: Hand) -> None:
    def on_page(page: TakenPage) -> None:
        hand.show(page.picture, page.media_type)
        hand.codes(codes_on(page.picture))

    def ended(end: RunEnd) -> None:
        hand.end(end.kind, end.reason)

    desk.ask(wish, on_page, ended, stopped=hand.stopped, percent=hand.percent, source=source)
