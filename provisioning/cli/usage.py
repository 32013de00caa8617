"""Every command with its arguments and options, as the program itself tells them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import typer


@dataclass(frozen=True, slots=True)
class Asked:
    """One argument (its name in capitals) or option. `fallback` is shown where there is one worth showing."""

    name: str
    says: str
    needed: bool
    fallback: str


@dataclass(frozen=True, slots=True)
class Usage:
    words: str
    says: str
    asked: tuple[Asked, ...]


def usages() -> Iterator[Usage]:
    """In the order of `waystation --help`, groups after their own command."""
    from provisioning.cli.app import whole

    yield from _below(typer.main.get_command(whole()), "waystation")


def _below(command: Any, words: str) -> Iterator[Usage]:
    inner = getattr(command, "commands", {})
    if not inner or command.invoke_without_command:
        says = " ".join(str(command.callback.__doc__ or command.help or "").split())
        yield Usage(words, says, tuple(_asked(each) for each in command.params))
    for name, one in inner.items():
        yield from _below(one, f"{words} {name}")


def _asked(param: Any) -> Asked:
    name = param.name.upper() if param.param_type_name == "argument" else ", ".join(param.opts + param.secondary_opts)
    plain = isinstance(param.default, str | int | float) and not isinstance(param.default, bool)
    return Asked(name, param.help or "", param.required, str(param.default) if plain else "")
