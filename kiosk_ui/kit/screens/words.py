"""A sentence before its language is known: the Chinese text is the key, fields fill it, the page translates it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

FieldValue: TypeAlias = "int | float | str | bool | Message | None"


def N_(text: str) -> str:  # the name that extraction of gettext entries looks for
    """Mark `text` as an entry of the catalogue without translating it here."""
    return text


@dataclass(frozen=True, slots=True)
class Message:
    """`id` is the zh-CN sentence with `%(name)s` places; a field may itself be a Message.

    `count` chooses the plural form where the other language has one; it is also the field `n`.
    """

    id: str
    fields: Mapping[str, FieldValue] = field(default_factory=dict)
    count: int | None = None


def say(message: Message, one: Callable[[str], str], many: Callable[[str, str, int], str]) -> str:
    """The sentence in the language of the two given functions (gettext and ngettext)."""
    text = one(message.id) if message.count is None else many(message.id, message.id, message.count)
    filled = {
        key: say(value, one, many) if isinstance(value, Message) else value for key, value in message.fields.items()
    }
    if message.count is not None:
        filled.setdefault("n", f"{message.count:,}")
    return text % filled if filled else text.replace("%%", "%")
