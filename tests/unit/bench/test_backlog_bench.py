"""The backlog benchmark drains two real boxes in turn; a small backlog shows that it still can."""

from __future__ import annotations

from provisioning import bench


def test_a_long_backlog_is_measured_against_a_short_one() -> None:
    told = bench.run("backlog", runs=1, facts=12_000, sample=500)
    assert told["name"] == "backlog" and told["figures"]["sample"] == 500
    assert 0.01 < told["ratios"]["rate"] < 100 and 0.01 < told["ratios"]["processor_per_fact"] < 100
    assert 0 < told["figures"]["queued_at_the_end"] <= 12_000 + 10, "the long one still had its backlog behind it"
