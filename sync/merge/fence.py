"""The law of things held alone: whoever was granted later has the higher number; an act with a lower one is late.

Commutes as far as it must: `highest` is a maximum, and in the order of fold the same facts are late everywhere.
Source: protocol way/1, sections 5.2 and 7.3, "Holds".
"""

from __future__ import annotations


def seen(highest: int, number: int) -> tuple[int, bool]:
    """(the highest number now, whether this one is stale). Equal is the holder's own next act."""
    return max(highest, number), number < highest
