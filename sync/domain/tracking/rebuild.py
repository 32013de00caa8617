"""Rebuilding a lost batch from its receipt, one code at a time and in any order.

A rebuilt scan is a new fact of the machine that reads the paper; it names the scan it stands for, and fold keeps one of
the two, whichever comes first. So the lost hand-held may turn up next week and upload all it has.
"""

from __future__ import annotations

from collections.abc import Callable

from sync.domain.tracking import facts, words
from sync.domain.tracking.receipt_code import ReceiptPart
from sync.domain.tracking.rounds import Round
from sync.kernel.fact import NewFact
from sync.kernel.ids import FactId


def rebuild(
    part: ReceiptPart, state: Round, by_node: str, codes_read: int, known: Callable[[FactId], bool]
) -> list[NewFact]:
    """The facts of one genuine code. `codes_read` counts different codes of this round, with this one.

    `known` says whether a scan, or its copy, is here already: the same code twice writes nothing.
    """
    made = [
        facts.collected(
            entry.stay_key,
            round_key=part.round,
            ward=part.ward,
            verdict=words.GOOD,
            how=words.REBUILT,
            read_no=facts.split_stay_key(entry.stay_key)[0],
            at_ms=entry.at_ms,
            list_as_of_ms=0,
            rebuilt_from=part.fact_of(entry),
            courier=part.courier,
        )
        for entry in part.entries
        if not known(part.fact_of(entry))
    ]
    counted_before = max((codes for node, codes, _ in state.rebuilt if node == by_node), default=0)
    if codes_read > counted_before:
        made.append(facts.round_rebuilt(part.round, by_node, codes_read, part.n, part.ward, part.courier))
    return made
