"""Making a backup of a hub that goes on working: rows of one instant, written beside it, copied away, read back.

The source is any reading connection inside one snapshot; writers are not held up.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import astuple, replace
from datetime import UTC, datetime
from pathlib import Path

from hub.backup.check import check
from hub.backup.place import Backup, Place, hash_of
from hub.backup.tables import copy_rows, kept_tables
from sync.adapters.keys import sync_folder, write_whole
from sync.adapters.sqlite_log.connection import Connection, DatabaseError, connect
from sync.adapters.sqlite_log.hub_store import newest_hlc
from sync.adapters.sqlite_log.layout import LAYOUT
from sync.kernel.outcome import Unavailable

Told = Callable[[str], None]
"""Hears a stage: copy, carry, read-back."""


def make_backup(
    source: Connection, key: bytes, place: Place, work: Path, wall_ms: int, told: Told = lambda _stage: None
) -> Backup:
    """One more backup in the place and its row in the catalogue. `work`: a folder on the hub's own disk.

    A backup that does not read back whole is removed again: Unavailable `backup.unverified`. `backup.place`: the place
    cannot be written. Nothing that was there before is touched.
    """
    kept = place.backups()
    work.mkdir(mode=0o700, exist_ok=True)
    local = work / "backup.db"
    _clear(local)
    try:
        told("copy")
        # Never before an older one, also where the clock was set back: by this time the tool knows what is relied on.
        found = _copy(source, local, key, max([wall_ms, *(each.began_ms for each in kept)]))
        name = f"hub-{_stamp(found.began_ms)}-{_next_number(kept):04d}"
        made = replace(found, name=name)
        told("carry")
        try:
            _carry(local, place.database(made))
            streams = _streams_of(local, key)
            write_whole(place.streams_path(name), streams)
        except OSError as fault:
            raise Unavailable("backup.place", 60.0) from fault
        made = replace(made, streams_sha256=hash_of(streams))
        told("read-back")
        if fault_of(place, made, key) is not None:
            place.database(made).unlink(missing_ok=True)
            place.streams_path(name).unlink(missing_ok=True)
            raise Unavailable("backup.unverified", 60.0)
        made = replace(made, verified=True)
        place.keep([*kept, made])
        return made
    finally:
        _clear(local)


def fault_of(place: Place, backup: Backup, key: bytes) -> str | None:
    """What is wrong with a backup as it lies in its place; None when every byte and every link of it holds."""
    path = place.database(backup)
    if not path.is_file():
        return "the file is gone"
    try:
        if file_hash(path) != backup.sha256:
            return "the file is not the one that was written"
        told = place.streams(backup)
        conn = connect(path, key, writes=False)
    except (OSError, Unavailable) as fault:
        return str(fault)
    try:
        whole = conn.execute("PRAGMA integrity_check(1)").fetchone()[0]
        return check(conn, told).fault if whole == "ok" else "the file is damaged"
    except DatabaseError:
        return "the file is damaged"
    finally:
        conn.close()


def file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copy(source: Connection, local: Path, key: bytes, wall_ms: int) -> Backup:
    tables = kept_tables()
    target = connect(local, key, writes=True)
    try:
        target.execute("BEGIN")
        for table in tables:
            target.execute(table.create)
        rows = copy_rows(source, target, tables)
        epoch = target.execute("SELECT value FROM meta WHERE name = 'hub_epoch'").fetchone()
        newest = newest_hlc(target)
        facts = target.execute("SELECT count(*) FROM log").fetchone()[0]
        target.execute("COMMIT")
        target.execute("PRAGMA journal_mode = DELETE")  # one file, readable where no shared memory is
    finally:
        target.close()
    return Backup(
        name="",
        began_ms=max(wall_ms, newest >> 16),
        epoch=int(epoch[0]) if epoch else 1,
        facts=facts,
        rows=rows,
        size_bytes=local.stat().st_size,
        sha256=file_hash(local),
        streams_sha256="",
        schema=LAYOUT,
        verified=False,
    )


def _streams_of(path: Path, key: bytes) -> bytes:
    conn = connect(path, key, writes=False)
    try:
        ends = check(conn)
    finally:
        conn.close()
    return json.dumps([astuple(each) for each in ends.streams]).encode()


def _carry(local: Path, there: Path) -> None:
    part = there.with_suffix(".part")
    try:
        shutil.copyfile(local, part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        os.chmod(part, 0o600)
        os.replace(part, there)
        sync_folder(there.parent)
    finally:
        part.unlink(missing_ok=True)


def _clear(local: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        local.with_name(local.name + suffix).unlink(missing_ok=True)


def _next_number(kept: Sequence[Backup]) -> int:
    """One more than the newest has: thinning leaves as many as before, and two may begin within one second."""
    return 1 + max((int(each.name.rpartition("-")[2]) for each in kept), default=0)


def _stamp(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC).strftime("%Y%m%dT%H%M%SZ")
