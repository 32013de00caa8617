"""What this box scans, looks, presses, speaks and asks with: each device of the settings opened, recorded and tried.

What pages, calls and signatures are for is known elsewhere; whoever needs a device asks for its desk by name.
"""

from __future__ import annotations

from appliance.features.devices.desks.bench import Bench
from appliance.features.devices.desks.cameras import keep_camera
from appliance.features.devices.desks.pedals import Pedals
from appliance.features.devices.desks.scanners import keep_scanner
from appliance.features.devices.desks.services import keep_service
from appliance.features.devices.desks.speakers import Speakers
from appliance.settings import Devices as DeviceSettings
from hardware.drivers.camera_desk import CameraDesk
from hardware.drivers.page_desk import PageDesk
from hardware.drivers.service_desk import ServiceDesk

__all__ = ["Bench", "Desks"]


class Desks:
    """Made before the box's devices are started; each by the name that the settings give it."""

    def __init__(self, settings: DeviceSettings, bench: Bench) -> None:
        self.scanners: dict[str, PageDesk] = {each.name: keep_scanner(bench, each) for each in settings.scanners}
        self.cameras: dict[str, CameraDesk] = {each.name: keep_camera(bench, each) for each in settings.cameras}
        self.pedals = Pedals(bench, settings.pedals)
        self.speakers = Speakers(bench, settings.speakers)
        self.services: dict[str, ServiceDesk] = {each.name: keep_service(bench, each) for each in settings.services}
