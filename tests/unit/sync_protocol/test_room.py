"""What goes when a disk is full, in which order, and what may come back: the decision alone."""

from __future__ import annotations

import random

import pytest

from sync.protocol import room
from sync.protocol.room import BLOBS, CALM_BYTES, EDGE_BYTES, KEPT_LABELS, SHORT_BYTES, WORTH_BYTES, Harm, Holding

MIB = 1024 * 1024
AT_WORK = frozenset({"site:stays", "ward:W01"})


def held(name: str, mib: int) -> Holding:
    harm = Harm.A_SECOND_COPY if name == BLOBS else room.harm_of(name, AT_WORK)
    return Holding(name, mib * MIB, harm)


ALL = (
    held("ward:W01", 2), held("ward:W02", 3), held("ward:W03", 9), held("site:stays", 40), held("grant:7f", 5),
    held("site", 1), held("site:people", 1), held(BLOBS, 700), Holding("ward:W04", 4 * MIB, Harm.NONE),
)  # fmt: skip


def test_the_cheapest_harm_goes_first_and_people_stay() -> None:
    left, gone = list(ALL), []
    while (going := room.next_to_go(0, left)) is not None:
        left.remove(going)
        gone.append(going.name)
    assert gone == ["ward:W04", "ward:W03", "ward:W02", BLOBS, "site:stays", "ward:W01", "grant:7f"]
    assert {one.name for one in left} == KEPT_LABELS


def test_what_the_work_needs_goes_at_the_edge_alone() -> None:
    work = [held("site:stays", 40), held("ward:W01", 2)]
    assert room.next_to_go(EDGE_BYTES, work) is None and room.next_to_go(EDGE_BYTES - 1, work) == work[0]
    assert room.next_to_go(SHORT_BYTES, ALL) is None, "with room enough nothing goes"


def test_what_gives_no_room_is_left_alone() -> None:
    assert room.next_to_go(0, [Holding("ward:W02", WORTH_BYTES - 1, Harm.A_LIST)]) is None


@pytest.mark.parametrize(
    ("free", "short", "find"),
    [
        (SHORT_BYTES, False, CALM_BYTES - SHORT_BYTES),
        (SHORT_BYTES - 1, True, CALM_BYTES - SHORT_BYTES + 1),
        (CALM_BYTES, False, 0),
        (-20 * MIB, True, CALM_BYTES + 20 * MIB),
    ],
)
def test_short_and_calm(free: int, short: bool, find: int) -> None:
    assert (room.is_short(free), room.to_find(free)) == (short, find)


def test_what_is_missed_most_comes_back_first_when_it_has_room_twice() -> None:
    gone = [one for one in ALL if one.name not in (*KEPT_LABELS, BLOBS)]
    assert room.next_to_return(CALM_BYTES + 3 * MIB, gone) is None
    back = room.next_to_return(CALM_BYTES + 6 * MIB, gone)
    assert back is not None and back.name == "ward:W01", "what needs more room than there is waits"
    back = room.next_to_return(10**12, gone)
    assert back is not None and back.name == "grant:7f"


def test_nothing_flaps_whatever_the_sizes() -> None:
    """What came back must not have to go again while nobody else writes, nor what went return at once."""
    draw = random.Random(1)
    for _ in range(300):
        here = [Holding(f"ward:W{n:02d}", draw.randrange(WORTH_BYTES, 60 * MIB), Harm.A_LIST) for n in range(6)]
        gone: list[Holding] = []
        free = draw.randrange(-30 * MIB, 300 * MIB)
        moves = 0
        for _look in range(40):
            if room.is_short(free):
                while (going := room.next_to_go(free, here)) is not None:
                    here.remove(going)
                    gone.append(going)
                    free += going.bytes
                    moves += 1
            elif (back := room.next_to_return(free, gone)) is not None:
                gone.remove(back)
                here.append(back)
                free -= back.bytes
                moves += 1
        assert moves <= 12, "each went once at most, and came back once at most"
