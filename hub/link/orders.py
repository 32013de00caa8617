"""Operators' orders on their way: at once where the line allows it, and again at the node's next greeting."""

from __future__ import annotations

from collections.abc import Callable

from hub.link.post import Post
from hub.link.voice import Voice
from sync.protocol import message
from sync.protocol.notices import Order


def teller(voice: Voice, post: Post) -> Callable[[str, Order | None], None]:
    """(node, order) -> told; None asks the node to greet, and the welcome says the rest."""

    def tell(node: str, order: Order | None) -> None:
        said = voice.hello_wanted(node) if order is None else voice.say(message.ORDER, order.body(), node)
        post.deliver(node, [said])

    return tell
