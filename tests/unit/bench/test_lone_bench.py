"""The lone benchmark times one fact from commit to mark over a real broker; a small run shows that it still can."""

from __future__ import annotations

from provisioning import bench


def test_one_fact_is_timed_from_its_commit_to_the_mark() -> None:
    told = bench.run("lone", runs=1, facts=10)
    figures = told["figures"]
    assert told["name"] == "lone" and figures["facts"] == 10
    assert 0 < figures["p50_ms"] <= figures["p99_ms"] <= figures["worst_ms"] < 10_000
    assert figures["p50_word_ms"] < figures["p50_ms"]
    for ratio in ("p50_vs_floor", "p50_rest_vs_floor"):
        assert told["ratios"][ratio] > 0.5, "two ends commit and check signatures: no trip is much below that"
    assert told["baseline"]["keys_p50_ms"] > 0
    assert "SQLCipher" in told["baseline"]["what"]
