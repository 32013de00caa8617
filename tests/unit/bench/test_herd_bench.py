"""The herd benchmark runs real cores in processes of their own; a small herd shows that it still can."""

from __future__ import annotations

from provisioning import bench
from provisioning.bench.site import lag_in


def test_a_small_herd_comes_to_rest_and_a_live_fact_goes_between() -> None:
    told = bench.run("herd", boxes=8, facts=100)
    figures = told["figures"]
    assert figures["boxes"] == 8 and figures["facts_a_box"] == 100
    assert 0 < figures["half_done_s"] <= figures["converge_s"] < 100
    assert figures["live_facts"] > 0 and 0 < figures["live_worst_ms"] < 20_000, "ten times what is demanded"
    assert figures["undigested_then"] >= figures["undigested_10_s_later"] >= 0, "the digest goes on"
    assert told["baseline"]["rows_per_s"] > 0
    assert min(figures["cpu_ms_a_box"].values()) > 0, "what each end worked is known"


def test_a_lag_of_millions_is_read_as_it_is_written() -> None:
    assert lag_in("# HELP x\nwaystation_hub_digest_lag_facts 1.000024e+06\n") == 1_000_024
    assert lag_in("waystation_hub_digest_lag_facts 999999.0\n") == 999_999
    assert lag_in("waystation_hub_digest_lag_facts 0.0\n") == 0
