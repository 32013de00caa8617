"""The place where backups lie: a folder that survives the hub's machine, with a catalogue beside the copies.

| file | what |
|---|---|
| catalogue.json | every backup: when it began, its hash, whether it was verified; each row under the hub's key |
| NAME.db, NAME.streams | one backup: rows in an encrypted file, and how far each stream goes in it |
| NAME.blobs, blobs/ | which sealed bytes it has, and the bytes, shared by all backups (`blobs`) |
| keys.sealed | the hub's keys and settings, readable with the recovery key alone |
| own/ | the hub's own facts, as they are cut |
| monotone.json, trust.way | the newest of what must never fall |

The catalogue is no part of the database, so a database that is put back does not forget what was kept since.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from sync.adapters.keys import write_whole
from sync.kernel.outcome import Unavailable

FORMAT = 1
KEYS = "keys.sealed"
OWN = "own"
MONOTONE = "monotone.json"
TRUST = "trust.way"
_CATALOGUE = "catalogue.json"
_CONTEXT = b"way/1 backup catalogue\0"


@dataclass(frozen=True, slots=True)
class Backup:
    """One row of the catalogue. `began_ms` hub time; `verified`: read back whole after it was written.

    `retired`: newer than what an operator put back with losses; nothing relies on it any more.
    """

    name: str
    began_ms: int
    epoch: int
    facts: int
    rows: int
    size_bytes: int
    sha256: str
    streams_sha256: str
    schema: int
    verified: bool
    retired: bool = False
    format: int = FORMAT

    @property
    def counts(self) -> bool:
        return self.verified and not self.retired


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """How far a stream goes in a backup."""

    node: str
    incarnation: int
    lane: int
    upto: int


class Place:
    """Reads and writes one place. `key` is the key of the hub's database."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self.folder = folder
        self._key = key

    def backups(self) -> list[Backup]:
        """Oldest first. Raises Unavailable `backup.place` where it cannot be read, `backup.catalogue`."""
        path = self.folder / _CATALOGUE
        try:
            if not self.folder.is_dir():
                raise Unavailable("backup.place", 60.0)
            told = json.loads(path.read_bytes())["backups"] if path.exists() else []
            return [self._believed(row) for row in told]
        except OSError as fault:
            raise Unavailable("backup.place", 60.0) from fault
        except (ValueError, TypeError, KeyError) as fault:
            raise Unavailable("backup.catalogue", 3600.0) from fault

    def keep(self, backups: Sequence[Backup]) -> None:
        """The whole catalogue anew, in one piece."""
        rows = [{**asdict(each), "mac": self._mac(each)} for each in backups]
        _write(self.folder / _CATALOGUE, (json.dumps({"backups": rows}, indent=1) + "\n").encode())

    def thin(self, keep: int) -> list[str]:
        """Leave the newest `keep` that count and all that is younger than the oldest of them; names of the others.

        The catalogue forgets them before their files go: a file too many harms nobody.
        """
        assert keep > 1, "the second-newest is relied on"
        held = self.backups()
        counting = [at for at, each in enumerate(held) if each.counts]
        old = held[: counting[-keep]] if len(counting) > keep else []
        if old:
            self.keep(held[len(old) :])
        for each in old:
            self.database(each).unlink(missing_ok=True)
            self.streams_path(each.name).unlink(missing_ok=True)
            (self.folder / f"{each.name}.blobs").unlink(missing_ok=True)
        return [each.name for each in old]

    def database(self, backup: Backup) -> Path:
        return self.folder / f"{backup.name}.db"

    def streams_path(self, name: str) -> Path:
        return self.folder / f"{name}.streams"

    def streams(self, backup: Backup) -> list[StreamEnd]:
        """Raises Unavailable `backup.damaged`."""
        try:
            data = self.streams_path(backup.name).read_bytes()
            if hash_of(data) != backup.streams_sha256:
                raise Unavailable("backup.damaged", 3600.0)
            return [StreamEnd(*row) for row in json.loads(data)]
        except (OSError, ValueError, TypeError) as fault:
            raise Unavailable("backup.damaged", 3600.0) from fault

    def two_newest(self) -> tuple[Backup, Backup] | None:
        """Of those that count and are there, the older first: either may be put back without a loss."""
        counting = [each for each in self.backups() if each.counts and self._is_there(each)]
        return (counting[-2], counting[-1]) if len(counting) > 1 else None

    def relied_on(self) -> Backup | None:
        """The second-newest verified backup: none older is put back quietly. Source: protocol way/1, section 5.3."""
        two = self.two_newest()
        return None if two is None else two[0]

    def _is_there(self, backup: Backup) -> bool:
        path = self.database(backup)
        return path.is_file() and path.stat().st_size == backup.size_bytes

    def _believed(self, row: dict[str, Any]) -> Backup:
        told = Backup(**{each.name: row[each.name] for each in fields(Backup)})
        if not hmac.compare_digest(str(row["mac"]), self._mac(told)):
            raise ValueError("a row of another hub")
        return told

    def _mac(self, backup: Backup) -> str:
        return self.mac(_CONTEXT + json.dumps(asdict(backup), sort_keys=True).encode())

    def mac(self, said: bytes) -> str:
        """The hub's own mark under what lies here. Two kinds of things begin with two contexts."""
        return hmac.digest(self._key, said, "sha256").hex()


def retire_newer(backups: Sequence[Backup], than: Backup) -> list[Backup]:
    """The catalogue after `than` was put back with losses: nothing newer counts."""
    after = False
    found = []
    for each in backups:
        found.append(replace(each, retired=True) if after else each)
        after = after or each.name == than.name
    return found


def hash_of(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


def _write(path: Path, data: bytes) -> None:
    try:
        write_whole(path, data)
    except OSError as fault:
        raise Unavailable("backup.place", 60.0) from fault
