"""A blob's description. Its name is its content, so whoever describes it later has nothing to change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sync.domain.blobs.facts import DESCRIBED
from sync.kernel.fact import Annotation, Fact
from sync.kernel.ids import FactId


@dataclass(slots=True)
class Blob:
    """A value. `size_bytes` 0: nobody has described it."""

    size_bytes: int = 0
    media_type: str = ""
    owner: tuple[int, str] = (0, "")
    page: int | None = None
    key_id: bytes | None = None
    preview: bytes | None = None
    extra: dict[int, Any] = field(default_factory=dict)


def fold(state: Blob, fact: Fact, fid: FactId, ann: Annotation) -> Blob:
    """The first description stays."""
    if fact.kind != DESCRIBED or state.size_bytes:
        return state
    body = fact.body
    return Blob(body[1], body[3], (body[4], body[5]), body.get(6), body.get(7), body.get(8), state.extra)


def dump(state: Blob) -> dict[int, Any]:
    """Numbered map, numbers as in the fact."""
    told = {
        1: state.size_bytes, 3: state.media_type, 4: state.owner[0], 5: state.owner[1], 6: state.page, 7: state.key_id,
        8: state.preview,
    }  # fmt: skip
    return {number: value for number, value in told.items() if value is not None} | state.extra


def load(kept: Mapping[int, Any]) -> Blob:
    """Back."""
    extra = {number: value for number, value in kept.items() if number > 8}
    return Blob(kept[1], kept[3], (kept[4], kept[5]), kept.get(6), kept.get(7), kept.get(8), extra)
