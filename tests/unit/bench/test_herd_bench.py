"""The herd benchmark runs real cores in processes of their own; a small herd shows that it still can."""

from __future__ import annotations

from provisioning import bench


def test_a_small_herd_comes_to_rest_and_a_live_fact_goes_between() -> None:
    told = bench.run("herd", boxes=8, facts=100)
    figures = told["figures"]
    assert figures["boxes"] == 8 and figures["facts_a_box"] == 100
    assert 0 < figures["half_done_s"] <= figures["converge_s"] < 100
    assert figures["live_facts"] > 0 and 0 < figures["live_worst_ms"] < 20_000, "ten times what is demanded"
    assert figures["undigested_then"] >= 0 and told["baseline"]["rows_per_s"] > 0
    assert min(figures["cpu_ms_a_box"].values()) > 0, "what each end worked is known"
