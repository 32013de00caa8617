"""A small run over real workers on a real PostgreSQL; what it says of locks and processors is figures, not asserted."""

from __future__ import annotations

from provisioning import bench


def test_one_worker_and_several_count_every_fact_once() -> None:
    told = bench.run("hub-scale", runs=1, facts=200, boxes=2)
    figures = told["figures"]
    assert figures["exactly_once"] and figures["facts"] == 200
    assert 0 <= figures["lock_wait_share"] <= 1
    assert told["ratios"]["speedup"] > 0 and told["ratios"]["cpu_per_fact"] > 0
    assert figures["facts_per_s"] > 0 and told["baseline"]["facts_per_s"] > 0
