"""The scan benchmark measures a real box; a small run shows that it still can."""

from __future__ import annotations

from provisioning import bench


def test_a_scan_is_measured_against_a_bare_commit() -> None:
    told = bench.run("scan", runs=1, scans=20)
    assert told["name"] == "scan" and told["runs"] == 1
    assert 0 < told["ratios"]["p50_vs_commit"] < 30, "ten times what is demanded"
    assert 0 < told["figures"]["p50_ms"] < 1000
    assert told["figures"]["p50_ms"] <= told["figures"]["p99_ms"]
    assert told["baseline"]["p50_ms"] > 0 and "SQLCipher" in told["baseline"]["what"]
