"""What a node's session hears and does not use itself: to whoever keeps such things, or counted."""

from __future__ import annotations

from sync.protocol import events as do
from sync.protocol import message
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
