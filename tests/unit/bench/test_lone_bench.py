"""The lone benchmark times one fact to the signed word and to the mark over a real broker; a small run shows it can."""

from __future__ import annotations

from provisioning import bench


def test_one_fact_is_timed_from_its_commit_to_the_word_and_the_mark() -> None:
    told = bench.run("lone", runs=1, facts=10)
    figures = told["figures"]
    assert told["name"] == "lone" and figures["facts"] == 10
    assert 0 < figures["p50_ms"] <= figures["p99_ms"] <= figures["worst_ms"] < 10_000
    assert figures["p50_ms"] < figures["p50_mark_ms"]
    for ratio in ("p50_mark_vs_floor", "p50_rest_mark_vs_floor"):
        assert told["ratios"][ratio] > 0.5, "two ends commit and check signatures: no trip is much below that"
    assert told["baseline"]["keys_p50_ms"] > 0
    assert "SQLCipher" in told["baseline"]["what"]
