"""The sync benchmark runs a real hub, a real broker and a real line; a small run shows that it still can."""

from __future__ import annotations

from provisioning import bench


def test_facts_are_measured_from_box_to_signed_acknowledgement() -> None:
    told = bench.run("sync", runs=1, facts=1000)
    assert told["name"] == "sync" and told["figures"]["facts"] == 1000
    assert told["ratios"]["vs_sqlite"] > 0.003, "a hundredth of what is demanded: this machine may be busy"
    assert told["figures"]["facts_per_s"] > 0 and told["baseline"]["rows_per_s"] > 0
    assert 100 < told["figures"]["fact_bytes"] < 300
    assert "vs_pouchdb" not in told["ratios"], "that baseline is not measured yet, so it has no key"
