"""What every desk of a box is made with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from appliance.features.devices.keepers import S
from appliance.features.devices.trials import Trials
from hardware.drivers.plugs import Plugs
from hardware.drivers.recording_file import RecordingFile, named
from hardware.drivers.supervisor import Device
from hardware.ports import Wanted

Record = Callable[[dict[str, Any]], object]


class Keep(Protocol):
    def __call__(
        self, role: str, name: str, make: Callable[[Device], S], url: str, wanted: Wanted | None = None
    ) -> S: ...


@dataclass(frozen=True, slots=True)
class Bench:
    """`new_key` draws bytes that nobody can guess, as many as are asked for."""

    keep: Keep
    plugs: Plugs
    trials: Trials
    mono_s: Callable[[], float]
    new_key: Callable[[int], bytes]
    recordings: str = ""

    def record(self, name: str, kind: str) -> Record:
        """Where a device's recording goes; nowhere unless the settings say so."""
        if not self.recordings:
            return lambda entry: None
        return RecordingFile(named(Path(self.recordings), name, kind), self.mono_s).add
