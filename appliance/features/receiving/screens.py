"""What a reception looks like to a page: plain values, no words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from appliance.features.receiving.service import Received
from appliance.features.receiving.store import CounterRow, HandInRow


def received_data(received: Received) -> dict[str, Any]:
    """A reception as JSON: for the event stream of this box's own screen and for its API."""
    return {
        "verdict": received.verdict,
        "at_ms": received.at_ms,
        "got": received.got,
        "expected": received.expected,
        "key": received.key,
        "record_no": received.record_no,
        "name": received.name,
        "notes": list(received.notes),
        "choices": [choice._asdict() for choice in received.choices],
        "fact": None if received.fact is None else str(received.fact),
        "label_job": received.label_job,
        "refused": None if received.refused is None else received.refused.code,
    }


def counter_data(row: HandInRow, records: Sequence[CounterRow]) -> dict[str, Any]:
    """A hand-in and its records: received ones newest first, then those still missing."""
    return {
        **asdict(row),
        "records": [
            {**asdict(one), "reception": None if one.reception is None else str(one.reception)} for one in records
        ],
    }
