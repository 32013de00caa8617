"""Law `register`: the last write in order wins.

Order is the fact's own (order stamp, node, ...) where fold's order is meant, or an order told by the outside world:
a hospital system's messages count by when the event was, not by when we heard of it. For those, keep the stamp beside
the value and let `later` decide: then arrival order has no effect at all.
"""

from __future__ import annotations

from typing import NamedTuple


class Told(NamedTuple):
    """A value and the outside order it came with: event time (ms), then the message's control id."""

    event_at_ms: int
    control: str
    value: str


def later(held: Told | None, told: Told) -> Told:
    """The one that counts. Equal stamps fall to the greater value, so that every order of arrival gives the same."""
    return told if held is None or told > held else held
