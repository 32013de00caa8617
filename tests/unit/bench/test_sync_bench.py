"""The sync benchmark runs a real hub, a real broker and a real line; a small drain shows that it still can.

Its baseline is fetched by npm when a benchmark runs, so no test asks for it.
"""

from __future__ import annotations

from pathlib import Path

from provisioning.bench.site import bench_site, until, write_backlog
from provisioning.bench.sync import drain


def test_a_backlog_is_timed_from_the_welcome_to_the_last_signature(tmp_path: Path) -> None:
    with bench_site(tmp_path) as site:
        write_backlog(site.store, 0, 1000)
        assert not site.acknowledged()
        call_s, drain_s = drain(site)
        assert site.acknowledged() and 0 < call_s < 100 and 0 < drain_s < 100
        until(lambda: site.lag() == 0)
