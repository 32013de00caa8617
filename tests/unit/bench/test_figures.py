"""What a benchmark's numbers mean."""

from __future__ import annotations

import json

import pytest

from provisioning import bench
from provisioning.bench.commits import events
from provisioning.bench.figures import document, median, percentile


@pytest.mark.parametrize(
    ("values", "share", "found"),
    [
        ([3.0], 0.5, 3.0),
        ([1.0, 2.0, 3.0, 4.0], 0.5, 2.0),
        ([4.0, 3.0, 2.0, 1.0], 0.99, 4.0),
        ([float(n) for n in range(1, 101)], 0.99, 99.0),
        ([float(n) for n in range(1, 101)], 1.0, 100.0),
    ],
)
def test_a_percentile_is_a_value_that_was_measured(values: list[float], share: float, found: float) -> None:
    assert percentile(values, share) == found


def test_one_slow_run_does_not_move_the_median() -> None:
    assert median([1.0, 1.1, 50.0, 1.2, 0.9]) == 1.1


def test_a_document_has_the_keys_that_acceptance_reads() -> None:
    made = document("scan", 5, ratios={"p50_vs_commit": 1.23456}, figures={"p50_ms": 1}, baseline={"p50_ms": 1})
    assert json.loads(json.dumps(made)) == {
        "name": "scan",
        "runs": 5,
        "ratios": {"p50_vs_commit": 1.235},
        "figures": {"p50_ms": 1},
        "baseline": {"p50_ms": 1},
    }


def test_the_ceiling_writes_rows_of_the_size_it_says() -> None:
    rows = events(200)
    assert len({ident for ident, _ in rows}) == 200
    assert all(295 <= len(body) <= 305 for _, body in rows)
    assert rows == events(200), "the same seed gives the same rows"


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(KeyError):
        bench.run("nothing")
