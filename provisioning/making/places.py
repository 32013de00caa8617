"""Where the tables of the node in a directory lie: in its file, or where a hub's settings say."""

from __future__ import annotations

import os
from pathlib import Path

from sync.adapters.keys import load_key
from sync.adapters.postgres.database import by_settings
from sync.adapters.settings_file import tables
from sync.adapters.sqlite_log.connection import SqlcipherFile
from sync.adapters.sqlite_log.database import Database
from sync.kernel.outcome import Unavailable


def store_settings(directory: Path) -> tuple[str, str]:
    """(url, password file) of the settings file; both empty for a node on its own file.

    The environment comes before the file, as when the node itself reads its settings. Raises PeerFault `settings`.
    """
    told = tables(directory / "settings.toml").get("store")
    if not isinstance(told, dict):
        told = {}
    url, password_file = (
        os.environ.get(f"WAYSTATION_STORE__{key.upper()}") or told.get(key, "") for key in ("url", "password_file")
    )
    return str(url), str(password_file)


def database_of(directory: Path) -> Database:
    """Raises Unavailable `node.absent` where a directory holds no node."""
    elsewhere = by_settings(*store_settings(directory), name="look")
    if elsewhere is not None:
        return elsewhere
    path = directory / "data" / "node.db"
    if not path.exists():
        raise Unavailable("node.absent", 60.0)
    return SqlcipherFile(path, load_key(directory / "keys" / "store.key"))


def for_verifier(directory: Path) -> str:
    """How the stand-alone verifier is told of the node: `database:key file`, or an address."""
    url, _ = store_settings(directory)
    return url or f"{directory / 'data' / 'node.db'}:{directory / 'keys' / 'store.key'}"


def verifier_environment(directories: list[Path]) -> dict[str, str]:
    """Ours, and the password of a database that has one, as libpq reads it: never on a command line."""
    environment = dict(os.environ)
    for directory in directories:
        url, password_file = store_settings(directory)
        if url and password_file:
            environment["PGPASSWORD"] = Path(password_file).read_text("utf-8").strip()
    return environment
