from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.adapters.sqlite_log.database import Database
from sync.adapters.sqlite_log.hub_feeds import Feeds
from tests.adapters.store.sites import Site, open_hub


@pytest.fixture
def site(tmp_path: Path, database: Database) -> Iterator[Site]:
    hub = open_hub(tmp_path, database, 9)
    made = Site(hub, Feeds(hub), tmp_path, {}, database)
    yield made
    for store in (made.hub, *made.boxes.values()):
        store.close()
