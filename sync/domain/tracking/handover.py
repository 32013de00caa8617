"""The hand-over at the ward: three counts side by side, what differs by name, and the nurse's badge.

Expected is what the carried list says is due on this ward, scanned is what went through the gun in this round, by hand
is what two people counted. The three need not agree: a difference is named on the receipt and does not stop the
courier. A count that nobody gave, and a badge that cannot sign for this ward, do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sync.domain.tracking import facts, rounds, words
from sync.kernel.fact import NewFact
from sync.kernel.outcome import Refused

CONFIRM_RIGHT = "handover.confirm"


class Difference(NamedTuple):
    """`stay_key` is "" where the difference is one of counts."""

    stay_key: str
    code: str


class Confirmer(NamedTuple):
    """Whose badge it is."""

    user: str
    ward: str | None
    rights: frozenset[str]


class Scanned(NamedTuple):
    """A stay of this round and the ward it belongs to, where that is known."""

    stay_key: str
    ward: str | None


def differences(ward: str, expected: Iterable[str], scanned: Iterable[Scanned], by_hand: int) -> tuple[Difference, ...]:
    """In the order of the receipt: not scanned, of another ward, then the count."""
    went = list(scanned)
    keys = {one.stay_key for one in went}
    named = [Difference(key, words.NOT_SCANNED) for key in sorted(set(expected) - keys)]
    named += [
        Difference(one.stay_key, words.OTHER_WARD) for one in sorted(went) if one.ward is not None and one.ward != ward
    ]
    if by_hand != len(keys):
        named.append(Difference("", words.COUNT_DIFFERS))
    return tuple(named)


def decide_confirm(
    key: str,
    status: str,
    ward: str,
    expected: Iterable[str],
    scanned: Iterable[Scanned],
    by_hand: int | None,
    confirmer: Confirmer | None,
) -> list[NewFact] | Refused:
    """The nurse holds the badge to the reader. `confirmer` None: nobody here has that badge.

    Refused `handover.done`, `handover.count-missing`, `handover.badge-unknown`, `handover.badge-no-right`,
    `handover.badge-other-ward` (fields: ward, badge_ward).
    """
    if status == rounds.HANDED_OVER:
        return Refused("handover.done")
    if by_hand is None or by_hand < 0:
        return Refused("handover.count-missing")
    if confirmer is None:
        return Refused("handover.badge-unknown")
    if CONFIRM_RIGHT not in confirmer.rights:
        return Refused("handover.badge-no-right")
    if confirmer.ward != ward:
        return Refused("handover.badge-other-ward", {"ward": ward, "badge_ward": confirmer.ward})
    wanted, went = set(expected), sorted(scanned)
    named = differences(ward, wanted, went, by_hand)
    keys = {one.stay_key for one in went}
    signed = facts.handed_over(key, confirmer.user, len(wanted), len(keys), by_hand, named)
    return [facts.counted(key, by_hand), signed]
