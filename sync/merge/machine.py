"""State machines as tables: (state, what happened) to state, and the picture drawn from the table.

A pair that a table does not hold changes nothing. Fold asks nothing else, so no order of facts can break it; whether
somebody may do a thing now is decided before the fact is written, not here.
"""

from __future__ import annotations

from collections.abc import Mapping

Table = Mapping[tuple[str, str], str]


def next_state(table: Table, state: str, word: str) -> str:
    """Where the word leads; the same state when the table is silent."""
    return table.get((state, word), state)


def states(table: Table) -> tuple[str, ...]:
    """Every state, in the order of the table."""
    seen = dict.fromkeys(state for state, _ in table)
    seen.update(dict.fromkeys(table.values()))
    return tuple(seen)


def diagram(table: Table, initial: str) -> str:
    """The table as a Mermaid state diagram; words between the same two states share one arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (state, word), following in table.items():
        arrows.setdefault((state, following), []).append(word)
    lines = ["stateDiagram-v2", f"    [*] --> {initial}"]
    lines += [f"    {state} --> {following}: {', '.join(words)}" for (state, following), words in arrows.items()]
    return "\n".join(lines) + "\n"
