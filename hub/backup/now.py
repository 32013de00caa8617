"""One backup of a hub's directory, the hub running or not; then the place is thinned and brought up to date."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hub.backup.blobs import held, open_copies, write_list
from hub.backup.make import make_backup
from hub.backup.mirror import Mirrored, mirror
from hub.backup.place import Backup, Place
from hub.backup.tables import kept_tables
from hub.settings import Blobs as BlobSettings
from provisioning.trust.node_keys import suite_in
from sync.adapters.keys import load_key
from sync.adapters.sqlite_log.database import Database
from sync.kernel.outcome import Unavailable


def back_up(
    directory: Path,
    database: Database,
    place: Place,
    wall_ms: int,
    keep: int,
    told: Callable[[str], None],
    blobs: BlobSettings,
) -> tuple[Backup, Mirrored]:
    """Make one more backup of the hub in `directory` and leave the newest `keep` that count.

    `told` hears the stages. Raises Unavailable `backup.busy` while another is being made, `backup.never-run` for
    a hub that has no tables yet, and what `make_backup` does. Blobs come after the backup counts: one that cannot be
    copied keeps its bytes on the boxes and nothing else.
    """
    conn = database.reader()
    try:
        if not all(conn.has_table(table.name) for table in kept_tables()):
            raise Unavailable("backup.never-run", 0.0)
        with alone(directory):
            conn.execute("BEGIN")
            key = load_key(directory / "keys" / "store.key")
            made = make_backup(conn, key, place, directory / "backup.work", wall_ms, told)
            told("blobs")
            copies = open_copies(directory, place.folder, blobs, suite_in(directory / "keys"))
            write_list(place, made, copies.keep(held(conn)))
            place.thin(keep)
            return made, mirror(directory, place.folder)
    finally:
        conn.close()


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """One that makes or puts back a backup of this hub at a time."""
    with (directory / "backup.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable("backup.busy", 60.0) from None
        yield
