"""The codes that facts of tracking use. People's words for them belong to the screens and papers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

GOOD: Final = "good"
DUPLICATE: Final = "duplicate"
WRONG_WARD: Final = "wrong_ward"
NOT_DISCHARGED: Final = "not_discharged"
TAKEN: Final = "taken"
SEALED: Final = "sealed"
UNKNOWN: Final = "unknown"
CHOOSE: Final = "choose"
VERDICTS: Final = (GOOD, DUPLICATE, WRONG_WARD, NOT_DISCHARGED, TAKEN, SEALED, UNKNOWN, CHOOSE)

MERGED: Final = "merged"
RECEIVED_ALREADY: Final = "received"
SCANNED_BEFORE: Final = "scanned_before"
NOTES: Final = (MERGED, RECEIVED_ALREADY, SCANNED_BEFORE, WRONG_WARD, SEALED)

REASONS: Final[Mapping[str, tuple[str, ...]]] = {
    WRONG_WARD: ("moved-lately", "lent-to-ward", "list-is-old"),
    NOT_DISCHARGED: ("left-today", "list-is-old", "ward-insists"),
    TAKEN: ("further-volume", "handed-on", "not-in-hand-before"),
    SEALED: ("office-agreed", "seal-not-known"),
    UNKNOWN: ("list-is-old", "label-misprinted"),
}
"""What a courier may answer to a warning, per verdict. A verdict that is not here asks nothing."""

REASON_BACKFILL: Final = "written-up-later"
REASON_CORRECTED: Final = "corrected"
ALL_REASONS: Final = tuple(
    sorted({reason for group in REASONS.values() for reason in group} | {REASON_BACKFILL, REASON_CORRECTED})
)

GUN: Final = "gun"
HAND: Final = "hand"
BACKFILL: Final = "backfill"
REBUILT: Final = "rebuilt"
HOW_COLLECTED: Final = (GUN, HAND, BACKFILL, REBUILT)
HOW_RECEIVED: Final = (GUN, HAND)

NOT_SCANNED: Final = "not-scanned"
OTHER_WARD: Final = "other-ward"
COUNT_DIFFERS: Final = "count-differs"
DIFFERENCES: Final = (NOT_SCANNED, OTHER_WARD, COUNT_DIFFERS)

COLLECTED_TWICE: Final = "collected.twice"
COLLECTED_SEALED: Final = "collected.sealed"
COLLECTED_CANCELLED: Final = "collected.cancelled"
ROOM_MISSING: Final = "room.missing"
ROOM_EXTRA: Final = "room.extra"
STAY_UNKNOWN: Final = "stay.unknown"

SEARCHING: Final = "searching"
OUTCOMES: Final[Mapping[str, tuple[str, ...]]] = {
    COLLECTED_TWICE: ("kept-first", "kept-second"),
    COLLECTED_SEALED: ("kept", "returned"),
    COLLECTED_CANCELLED: ("kept", "returned"),
    ROOM_MISSING: ("found", SEARCHING),
    ROOM_EXTRA: ("accepted-extra", "returned"),
    STAY_UNKNOWN: ("accepted-extra", "returned"),
}
"""What a person may say to an anomaly. `searching` is said and leaves it open."""
ANOMALIES: Final = tuple(OUTCOMES)
ALL_OUTCOMES: Final = tuple(sorted({outcome for group in OUTCOMES.values() for outcome in group}))
