"""What a node's session hears and does not use itself, and what a welcome wants of it: done elsewhere, or counted."""

from __future__ import annotations

from collections.abc import Collection

from sync.protocol import events as do
from sync.protocol import hello, message, states
from sync.protocol.events import Effect
from sync.protocol.message import Message


def passed_on(said: Message, raw: bytes) -> Effect:
    """The effect of a verified message."""
    match said.type:
        case message.TRUST:
            return do.AdoptTrust(said, raw)
        case message.IDENTITY:
            return do.AdoptIdentity(said, raw)
    return do.Count(f"message.{message.NAMES[said.type]}")


def shown(wanted: Collection[int], status: str, carrier: str) -> list[Effect]:
    """What a welcome of this status wants to see, or done."""
    effects: list[Effect] = []
    if hello.IDENTITY in wanted or status == states.UNKNOWN:
        effects.append(do.SendIdentity(carrier))
    if hello.TRUST in wanted:
        effects.append(do.SendTrust(carrier))
    if hello.NEXT_KEY in wanted:
        effects.append(do.ChangeKey())
    return effects
