"""Families of process starts, one a row, and why each is one line or not."""

import pytest

from sync.kernel.ids import CONTROL, LIVE
from sync.kernel.outcome import PeerFault
from sync.protocol import lineage
from sync.protocol.lineage import HELD_MORE, OTHER_HASH, SIBLING, TOLD_MORE, Family, Fork, Head, Opening

H = bytes(32)
A, B, C, D = 11, 12, 13, 14


def after_a(incarnation: int, live: int = 10, control: int = 3) -> Opening:
    heads = [Head(A, CONTROL, control, H)]
    if live:
        heads.append(Head(A, LIVE, live, H))
    return Opening(incarnation, A, tuple(heads))


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        (Family(A, [after_a(B)], held={CONTROL: 3, LIVE: 10}), []),
        (Family(A, [after_a(B)], held={CONTROL: 1}, told={LIVE: 7}), []),
        (Family(A, [after_a(B)], held={LIVE: 11}), [Fork(B, HELD_MORE)]),
        (Family(A, [after_a(B, live=0)], held={LIVE: 1}), [Fork(B, HELD_MORE)]),
        (Family(A, [after_a(B)], told={CONTROL: 4}), [Fork(B, TOLD_MORE)]),
        (Family(A, [after_a(B)], differs=frozenset({B})), [Fork(B, OTHER_HASH)]),
        (Family(A, [after_a(B), after_a(C)], held={LIVE: 10}), [Fork(C, SIBLING)]),
        (Family(A, [after_a(B), after_a(C, live=5)], held={LIVE: 10}), [Fork(C, HELD_MORE)]),
        (Family(A, [after_a(C, live=5), after_a(B)], held={LIVE: 10}), [Fork(C, HELD_MORE)]),
        (Family(A, [after_a(B), after_a(C)], held={LIVE: 12}, forked=frozenset({B})), [Fork(C, HELD_MORE)]),
        (Family(A, [after_a(B), after_a(C), after_a(D)], forked=frozenset({B})), [Fork(D, SIBLING)]),
        (Family(None, [Opening(A, None, ())]), []),
        (Family(None, [Opening(A, None, ()), Opening(B, None, ())]), [Fork(B, SIBLING)]),
    ],
    ids=[
        "all of it came before the next start", "some of it is still on its way", "more came than the start knew of",
        "a lane that the start did not know", "a hello told of more", "the hub holds another fact at the end",
        "two starts after one", "of two starts the one that knows less", "the one that knows less came first",
        "a third that knows less than what came", "a fork does not continue the line", "the first start ever",
        "two first starts",
    ],
)  # fmt: skip
def test_a_family_is_judged(family: Family, expected: list[Fork]) -> None:
    assert lineage.judge(family) == expected


def test_a_fork_and_what_follows_it_have_their_own_line() -> None:
    starts = [
        Opening(A, None, ()),
        after_a(B),
        after_a(C),
        Opening(D, C, ()),
        Opening(15, D, ()),
        Opening(16, B, ()),
        Opening(17, 99, ()),
    ]
    assert lineage.lines(starts, {C: 1, 15: 2}) == {A: 0, B: 0, C: 1, D: 1, 15: 2, 16: 0, 17: 0}
    assert lineage.lines(list(reversed(starts)), {C: 1, 15: 2})[D] == 1


def test_starts_that_name_each_other_in_a_ring_end() -> None:
    assert lineage.lines([Opening(A, B, ()), Opening(B, A, ())], {}) == {A: 0, B: 0}


@pytest.mark.parametrize(
    "body",
    [{2: [[A, CONTROL, 3]]}, {1: 0}, {1: B, 2: []}, {2: [[B, CONTROL, 1, H]]}, {2: [[A, 7, 1, H]]}, {7: 5}],
    ids=["a head without hash", "no start has number 0", "it names itself", "its own head", "no such lane", "no word"],
)
def test_an_opening_that_makes_no_sense_is_not_read(body) -> None:
    with pytest.raises(PeerFault, match=r"opening\.body"):
        Opening.read(B, body)


def test_an_opening_is_read() -> None:
    body = {1: A, 2: [[A, CONTROL, 3, H], [9, LIVE, 4, H]], 3: 2, 4: "boot", 5: "test", 7: "restored"}
    opening = Opening.read(B, body)
    assert (opening.before, opening.why) == (A, "restored")
    assert [opening.named(lane) for lane in (CONTROL, LIVE)] == [3, 0]
