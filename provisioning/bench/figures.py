"""Numbers of a benchmark: what is measured in turn, what a run comes to, and one document in the end."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

RUNS = 5


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all values do not exceed (nearest rank)."""
    assert values and 0 < share <= 1
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def document(
    name: str,
    runs: int,
    *,
    ratios: dict[str, float],
    figures: dict[str, Any],
    baseline: dict[str, Any],
) -> dict[str, Any]:
    """What every benchmark prints. Ratios have three decimals: a shared machine gives no more."""
    return {
        "name": name,
        "runs": runs,
        "ratios": {key: round(value, 3) for key, value in ratios.items()},
        "figures": figures,
        "baseline": baseline,
    }
