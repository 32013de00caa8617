"""Merged record numbers: one patient had two numbers, and from then on the old one leads to the other (HL7 A40)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sync.domain.tracking import facts
from sync.kernel.fact import Annotation, Fact
from sync.kernel.ids import FactId
from sync.merge.register import Told, later

FAMILY_MAX: Final = 32
"""Numbers looked at for one scan: a hospital merges two or three; beyond this the data is broken."""


@dataclass(slots=True)
class Alias:
    """The register of one old number."""

    told: Told | None = None
    extra: dict[int, Any] = field(default_factory=dict)

    @property
    def into(self) -> str | None:
        """The number that it leads to."""
        return None if self.told is None else self.told.value


def fold(alias: Alias, fact: Fact, fid: FactId, ann: Annotation) -> Alias:
    """The merge that happened last (event time, control id) counts, in whatever order they came."""
    if fact.kind != facts.NUMBER_MERGED:
        return alias
    body = fact.body
    return Alias(later(alias.told, Told(body[8], body[9], body[1])), alias.extra)


def dump(alias: Alias) -> dict[int, Any]:
    """Numbered map."""
    return ({} if alias.told is None else {1: list(alias.told)}) | alias.extra


def load(kept: Mapping[int, Any]) -> Alias:
    """Back."""
    told = Told(*kept[1]) if 1 in kept else None
    return Alias(told, {number: value for number, value in kept.items() if number > 1})


def resolve(number: str, aliases: Mapping[str, str] | Callable[[str], str | None]) -> tuple[str, int]:
    """(the number in use today, hops to it). Merged in a circle: the least number of the circle, the same from any."""
    look = aliases if callable(aliases) else aliases.get
    walked = [number]
    while (following := look(walked[-1])) is not None:
        if following in walked:
            return min(walked[walked.index(following) :]), len(walked) - 1
        walked.append(following)
    return walked[-1], len(walked) - 1


def family(
    number: str, alias: Callable[[str], str | None], merged_from: Callable[[str], Iterable[str]]
) -> tuple[str, ...]:
    """Every number under which the patient's stays may be filed: the number read first, then along the merges."""
    found = {number: None}
    queue = deque([number])
    while queue and len(found) < FAMILY_MAX:
        at = queue.popleft()
        into = alias(at)
        for other in (*(() if into is None else (into,)), *sorted(merged_from(at))):
            if other not in found:
                found[other] = None
                queue.append(other)
    return tuple(found)
