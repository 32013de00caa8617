"""A machine of the site. Revoking is final: a machine that comes back gets a new name.

`unknown` is a machine that nobody enrolled here; scopes may be heard of first. A scope set counts by its version, not
by when it came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sync.domain.fleet import facts
from sync.kernel.fact import Annotation, Fact
from sync.kernel.ids import FactId
from sync.merge.machine import Table, next_state

UNKNOWN, ENROLLED, REVOKED = "unknown", "enrolled", "revoked"

NODE_MACHINE: Final[Table] = {
    (UNKNOWN, "enrolled"): ENROLLED,
    (UNKNOWN, "revoked"): REVOKED,
    (ENROLLED, "revoked"): REVOKED,
}
LATER_KEYS_MAX: Final = 32
"""Keys of which a machine's paper may be signed; a key that is changed once a year lasts longer than the machine."""
_WORDS: Final = {facts.ENROLLED: "enrolled", facts.REVOKED: "revoked"}


@dataclass(slots=True)
class Node:
    """A value. `later_keys`: signing keys that the machine went over to, in order; papers by any of them count."""

    status: str = UNKNOWN
    role: str = ""
    display_name: str = ""
    signing_public: bytes = b""
    wards: tuple[str, ...] = ()
    revoked_reason: str | None = None
    scope_version: int = 0
    labels: tuple[str, ...] = ()
    later_keys: tuple[bytes, ...] = ()
    extra: dict[int, Any] = field(default_factory=dict)


def fold(state: Node, fact: Fact, fid: FactId, ann: Annotation) -> Node:
    """What the machine is now."""
    body = fact.body
    status = next_state(NODE_MACHINE, state.status, _WORDS.get(fact.kind, ""))
    if fact.kind == facts.ENROLLED:
        public = body[3] + (body.get(5) or b"")
        return replace(
            state, status=status, role=body[1], display_name=body[2], signing_public=public, wards=tuple(body[4])
        )
    if fact.kind == facts.REVOKED:
        return replace(state, status=status, revoked_reason=body[1])
    if fact.kind == facts.SCOPES_SET and body[1] > state.scope_version:
        return replace(state, scope_version=body[1], labels=tuple(body[2]))
    if fact.kind == facts.KEY_CHANGED and fid.node == fact.key:
        public = body[2] + (body.get(6) or b"")
        if public not in state.later_keys:
            return replace(state, later_keys=(*state.later_keys, public)[-LATER_KEYS_MAX:])
    return state


_PLAIN: Final = ("status", "role", "display_name", "signing_public", "revoked_reason", "scope_version")


def dump(state: Node) -> dict[int, Any]:
    """Numbered map."""
    made = {number: value for number, name in enumerate(_PLAIN, 1) if (value := getattr(state, name)) is not None}
    made[7] = list(state.wards)
    made[8] = list(state.labels)
    if state.later_keys:
        made[9] = list(state.later_keys)
    return made | state.extra


def load(kept: Mapping[int, Any]) -> Node:
    """Back."""
    plain = {name: kept[number] for number, name in enumerate(_PLAIN, 1) if number in kept}
    extra = {number: value for number, value in kept.items() if number > 9}
    return Node(
        **plain,
        wards=tuple(kept.get(7, ())),
        labels=tuple(kept.get(8, ())),
        later_keys=tuple(kept.get(9, ())),
        extra=extra,
    )
