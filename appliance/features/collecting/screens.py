"""What a verdict looks like to a page: plain values, no words; the page has the words of its language."""

from __future__ import annotations

from typing import Any

from appliance.features.collecting.scan import Verdict


def verdict_data(verdict: Verdict) -> dict[str, Any]:
    """A verdict as JSON: for the event stream of this box's own screen and for its API."""
    return {
        "verdict": verdict.verdict,
        "at_ms": verdict.at_ms,
        "n": verdict.n,
        "key": verdict.key,
        "record_no": verdict.record_no,
        "name": verdict.name,
        "ward": verdict.ward,
        "discharged_on": verdict.discharged_on,
        "notes": list(verdict.notes),
        "reasons": list(verdict.reasons),
        "choices": [choice._asdict() for choice in verdict.choices],
        "fact": None if verdict.fact is None else str(verdict.fact),
        "refused": None if verdict.refused is None else verdict.refused.code,
        "list_as_of_ms": verdict.list_as_of_ms,
    }
