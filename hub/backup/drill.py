"""The rehearsal: a backup that nobody has ever put back is a hope, not a backup."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hub.backup.place import Place
from hub.backup.restore import Built, HubSecrets, build, choose
from sync.kernel.outcome import Unavailable


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """`fault` is the code that stopped it, None where the backup can be put back."""

    backup: str | None
    began_ms: int | None
    built: Built | None
    took_s: float
    fault: str | None


def rehearse(place: Place, secrets: HubSecrets, told: Callable[[str], None] = lambda _stage: None) -> Rehearsed:
    """Put the newest backup into a scratch folder, all the way a real restore goes, and throw it away."""
    began = time.monotonic()
    backup = None
    try:
        backup = choose(place, None)
        with tempfile.TemporaryDirectory(prefix="waystation-drill-") as scratch:
            built = build(place, backup, Path(scratch) / "node.db", secrets, told)
    except Unavailable as fault:
        name, at = (None, None) if backup is None else (backup.name, backup.began_ms)
        return Rehearsed(name, at, None, _since(began), fault.code)
    return Rehearsed(backup.name, backup.began_ms, built, _since(began), None)


def _since(began: float) -> float:
    return round(time.monotonic() - began, 2)
