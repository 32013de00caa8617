"""What facts of the fleet say. Entity types: 1 stream (openings), 40 node, 50 audit (kept, never folded)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sync.kernel.fact import NewFact
from sync.kernel.ids import LABEL_PATTERN, NODE_PATTERN
from sync.kernel.limits import KEY_TEXT_BYTES_MAX
from sync.merge.shape import Shape, body_of, flag, octets, one_of, pattern, prose, rows, text, uint

STREAM: Final = 1
NODE: Final = 40
AUDIT: Final = 50
STREAM_OPENED, KEY_CHANGED, LOSS_REPORTED, ENROLLED, REVOKED, SCOPES_SET, NOTED = 1, 2, 5, 110, 111, 112, 120
LOSS_WHYS: Final = ("hole", "rewound", "discarded", "closed")

NODE_ROLES: Final = ("courier", "records", "hub")
node_key: Final = pattern(NODE_PATTERN.pattern)
_KEY_BYTES: Final = 32
"""Of a public key, field 3; what is longer of suite 2's goes on in field 5."""
_LABEL: Final = pattern(LABEL_PATTERN.pattern)

SHAPES: Final[Mapping[int, Shape]] = {
    STREAM_OPENED: Shape(),
    KEY_CHANGED: Shape(
        {1: octets(8), 2: octets(_KEY_BYTES), 3: octets(64), 4: octets(64), 5: octets(32)}, {6: octets(_KEY_BYTES)}
    ),
    LOSS_REPORTED: Shape({1: uint(), 2: uint(2), 3: uint(), 4: uint(), 5: one_of(*LOSS_WHYS), 6: prose(200)}),
    ENROLLED: Shape(
        {
            1: one_of(*NODE_ROLES),
            2: text(60),
            3: octets(_KEY_BYTES),
            4: rows(pattern(r"[A-Za-z0-9._-]{1,20}"), 200),
        },
        {5: octets(_KEY_BYTES)},
        since={5: 2},
    ),
    REVOKED: Shape({1: prose(200)}),
    SCOPES_SET: Shape({1: uint(), 2: rows(_LABEL, 400)}),
    NOTED: Shape(
        {1: pattern(r"[a-z0-9._-]{1,64}"), 5: flag}, {2: uint(65535), 3: text(KEY_TEXT_BYTES_MAX), 4: prose(1000)}
    ),
}


def enrolled(node: str, role: str, display_name: str, signing_public: bytes, wards: Sequence[str]) -> NewFact:
    """A machine has joined. `signing_public`: as long as the site's suite has it."""
    head, rest = signing_public[:_KEY_BYTES], signing_public[_KEY_BYTES:]
    body = body_of(SHAPES[ENROLLED], {1: role, 2: display_name, 3: head, 4: list(wards), 5: rest or None})
    return NewFact(ENROLLED, NODE, node, body)


def loss_reported(node: str, incarnation: int, lane: int, first: int, last: int, why: str, reason: str) -> NewFact:
    """An operator's word that facts `first` to `last` of a machine's stream will never come, and why."""
    body = {1: incarnation, 2: lane, 3: first, 4: last, 5: why, 6: reason}
    return NewFact(LOSS_REPORTED, STREAM, node, body_of(SHAPES[LOSS_REPORTED], body))


def key_changed(node: str, body: Mapping[int, Any]) -> NewFact:
    """A machine signs with another key from now on. `body`: what both keys say of it, as the protocol has it."""
    return NewFact(KEY_CHANGED, NODE, node, body_of(SHAPES[KEY_CHANGED], dict(body)))


def revoked(node: str, reason: str) -> NewFact:
    """A machine is shut out; what it wrote before stays."""
    return NewFact(REVOKED, NODE, node, body_of(SHAPES[REVOKED], {1: reason}))


def scopes_set(node: str, version: int, labels: Sequence[str]) -> NewFact:
    """The scopes that a machine holds from now on."""
    return NewFact(SCOPES_SET, NODE, node, body_of(SHAPES[SCOPES_SET], {1: version, 2: sorted(set(labels))}))


def noted(
    node: str,
    what: str,
    *,
    etype: int | None = None,
    key: str | None = None,
    detail: str | None = None,
    ok: bool = True,
) -> NewFact:
    """One line of the audit list: what was done or tried. Key and detail are read at the hub alone, with a right."""
    told: dict[int, Any] = {1: what, 2: etype, 3: key, 4: detail, 5: ok}
    return NewFact(NOTED, AUDIT, node, body_of(SHAPES[NOTED], told))
