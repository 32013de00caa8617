"""The bootstrap benchmark's own half runs without PouchDB: a real hub, a real snapshot, a box that held nothing."""

from __future__ import annotations

from pathlib import Path

from provisioning.bench import bootstrap
from provisioning.bench.site import bench_site


def test_a_ward_begins_on_an_empty_box(tmp_path: Path) -> None:
    with bench_site(tmp_path, bootstrap.ward_of(1500)) as site:
        for n in range(2):
            began = bootstrap.begin(site, tmp_path / f"box{n}.db", 1500)
            assert began.processor_s > 0 and 0 < began.took_s < 60
