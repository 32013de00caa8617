"""Where a hub of these sites keeps its tables: its own file, and in a soak a PostgreSQL as well.

The scripted day runs on both in `make test` too.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provisioning.making.cluster import Cluster
from tests.soak import SOAK


@pytest.fixture(params=["sqlite", "postgres"] if SOAK else ["sqlite"])
def tables(request: pytest.FixtureRequest) -> Iterator[str]:
    """Address of empty tables; nothing for a file."""
    if request.param == "sqlite":
        yield ""
        return
    cluster = Cluster()
    cluster.start()
    yield cluster.new_tables()
    cluster.stop()
