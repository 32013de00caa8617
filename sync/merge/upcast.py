"""Bodies of older versions, read as the newest: pure steps, one version each, composed. Stored bytes never change.

Source: protocol way/1, section 8.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sync.kernel.fact import Body

Upcast = Callable[[Body], Body]
"""A body of version v as one of v + 1: what the newer version's readers need is put in, nothing is taken out."""

Upcasts = Mapping[tuple[int, int], Upcast]
"""(kind, version that the step starts from) -> step. A version that only adds optional fields needs none."""


def upcast(steps: Upcasts, kind: int, version: int, to: int, body: Body) -> Body:
    """The body as version `to` would have said it; a body of `to` or newer comes back as it is."""
    for start in range(version, to):
        step = steps.get((kind, start))
        if step is not None:
            body = step(body)
    return body
