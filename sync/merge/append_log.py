"""Law `append_log`: what happened is added, nothing is taken out, and one identity stands once.

Adding is idempotent and, for entries of different identity, commutative but for their position: position is the order
of fold, which is the same at every holder.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

Entry = TypeVar("Entry")


def add(
    log: tuple[Entry, ...],
    entry: Entry,
    identity: Callable[[Entry], Hashable],
    join: Callable[[Entry, Entry], Entry] = lambda held, _: held,
) -> tuple[Entry, ...]:
    """The log with the entry; `join(held, entry)` is what stands when the identity is there already (default: held)."""
    mine = identity(entry)
    for at, held in enumerate(log):
        if identity(held) == mine:
            joined = join(held, entry)
            return log if joined is held else (*log[:at], joined, *log[at + 1 :])
    return (*log, entry)
