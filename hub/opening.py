"""Opening the hub's store where its settings say it lies."""

from __future__ import annotations

from pathlib import Path

from hub.projections import all_projectors
from hub.settings import Store
from provisioning.trust.site import SiteTrust
from sync.adapters.clock import Clock
from sync.adapters.idgen import Entropy
from sync.adapters.postgres.database import by_settings
from sync.adapters.sqlite_log.connection import SqlcipherFile
from sync.adapters.sqlite_log.database import Database
from sync.adapters.sqlite_log.hub_store import HubStore
from sync.adapters.sqlite_log.integrity import keep_salt, refuse_damaged
from sync.adapters.sqlite_log.reserve import Reserve


def open_store(
    folder: Path, trust: SiteTrust, where: Store, clock: Clock, entropy: Entropy, worker: int = 1
) -> HubStore:
    """The hub's database, in `folder/data` or on a server, for the hub's worker of this number."""
    (folder / "data").mkdir(mode=0o700, exist_ok=True)
    key = trust.keys.store
    path = folder / "data" / "node.db"
    database: Database | None = by_settings(where.url, where.password_file, name=trust.worker_name(worker))
    if database is None:
        reserve = Reserve(folder / "data" / "reserve")
        reserve.make_room()
        refuse_damaged(path, key)
        database = SqlcipherFile(path, key, reserve)
    store = HubStore(
        path,
        key,
        node=trust.hub,
        role="hub",
        clock=clock,
        entropy=entropy,
        projectors=all_projectors(key),
        database=database,
        suite=trust.suite,
    )
    if isinstance(database, SqlcipherFile):
        keep_salt(path, path)
    return store
