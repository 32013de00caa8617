"""`python -m hub.backup --dir D`: one backup of the hub in D into the place of its settings; how the hub makes one.

A process of its own, and a polite one: whoever talks to the hub meanwhile does not wait for it. Exit 0: it is made and
read back. Exit 1: not, and the code of the reason is on standard output.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from hub.backup.now import back_up
from hub.backup.place import Place
from hub.settings import Settings
from sync.adapters.clock import SystemClock
from sync.adapters.keys import load_key
from sync.adapters.postgres.database import by_settings
from sync.adapters.settings_file import load
from sync.adapters.sqlite_log.connection import SqlcipherFile
from sync.kernel.outcome import PeerFault, Unavailable

POLITE = 10


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m hub.backup", description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="the hub's directory")
    folder: Path = parser.parse_args(argv).dir
    os.nice(POLITE)
    try:
        settings = load(Settings, folder / "settings.toml", dict(os.environ))
        key = load_key(folder / "keys" / "store.key")
        where, wanted = settings.store, settings.backup
        database = by_settings(where.url, where.password_file, name="nightly backup")
        back_up(
            folder,
            database or SqlcipherFile(folder / "data" / "node.db", key),
            Place(Path(wanted.place), key),
            SystemClock().wall_ms(),
            wanted.keep,
            lambda _stage: None,
            settings.blobs,
        )
    except (PeerFault, Unavailable) as fault:
        print(fault.code)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
