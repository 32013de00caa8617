"""Each database a store may stand on. What is proved of one is proved of both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.making.cluster import Cluster
from sync.adapters.postgres.database import Postgres
from sync.adapters.sqlite_log.connection import SqlcipherFile
from sync.adapters.sqlite_log.database import Database


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    made = Cluster()
    made.start()
    yield made
    made.stop()


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    if request.param == "sqlite":
        return SqlcipherFile(tmp_path / "hub.db", bytes(32))
    cluster: Cluster = request.getfixturevalue("cluster")
    return Postgres(cluster.new_tables())
