"""What lies beside the backups and is always the newest: what must never fall, the trust bundle, the sealed keys."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hub.backup.keys import sealed_keys
from hub.backup.place import KEYS, MONOTONE, TRUST
from hub.link.monotone import MonotoneFile, read_monotone
from sync.adapters.keys import write_whole
from sync.kernel.outcome import Unavailable


@dataclass(frozen=True, slots=True)
class Mirrored:
    """`keys`: whether the place holds the hub's keys."""

    keys: bool


def mirror(directory: Path, place: Path) -> Mirrored:
    """Bring the place up to the hub's directory; numbers there only rise. Raises Unavailable `backup.place`."""
    try:
        told = read_monotone(directory / "monotone.json")
        if told is not None:
            MonotoneFile(place / MONOTONE).rise(told)
        bundle = (directory / "keys" / "trust.way").read_bytes()
        _renew(place / TRUST, bundle)
        if not _sealed_already(directory, place):
            sealed = sealed_keys(directory)
            if sealed is not None:
                write_whole(place / KEYS, sealed)
        return Mirrored((place / KEYS).is_file())
    except OSError as fault:
        raise Unavailable("backup.place", 60.0) from fault


def _renew(path: Path, data: bytes) -> None:
    if not path.is_file() or path.read_bytes() != data:
        write_whole(path, data)


def _sealed_already(directory: Path, place: Path) -> bool:
    """Whether nothing among keys and settings is younger than what was sealed; sealing again writes other bytes."""
    sealed = place / KEYS
    if not sealed.is_file():
        return False
    mine = [*(directory / "keys").iterdir(), directory / "settings.toml", directory / "data" / "ports.json"]
    return max(path.stat().st_mtime for path in mine if path.exists()) < sealed.stat().st_mtime
