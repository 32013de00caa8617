"""Law `review`: two values that differ are both kept and both shown, until a person says which.

For identity and clinical fields. Nobody's newer clock and no later import may silently overwrite a name: the later
value is shown first, the other stays beside it. A write by a person who had both before their eyes (`settles`)
replaces them all.
"""

from __future__ import annotations

Held = tuple[str, ...]
"""Values that stand, oldest first; the last one is shown first."""


def write(held: Held, value: str, *, settles: bool = False) -> Held:
    """The field after the write. Writing a value that stands already moves nothing but its place to the end."""
    if settles:
        return (value,)
    return (*(other for other in held if other != value), value)


def shown(held: Held) -> str:
    """The value to show first, "" when none was written."""
    return held[-1] if held else ""


def differs(held: Held) -> bool:
    """Whether a person has to look."""
    return len(held) > 1
