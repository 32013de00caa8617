import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.kernel import chain
from sync.kernel.suite import suite1
from sync.protocol.inbound import Append, Duplicate, Equivocation, Evidence, Park, StreamView, agreed, place

LINKS = chain.Chain(suite1.hasher, "courier-a3k7q2xw", 7, 1)
OURS = LINKS.extend(1, chain.H0, [bytes([n]) * 32 for n in range(10)])
OTHER = LINKS.extend(1, chain.H0, [bytes([n + 100]) * 32 for n in range(10)])


def view(upto: int, frozen: bool = False) -> StreamView:
    return StreamView(upto, frozen, lambda seq: OURS[seq - 1])


def offer(row: list[bytes], first: int, last: int) -> dict[str, object]:
    prev = row[first - 2] if first > 1 else chain.H0
    return {"first": first, "prev": prev, "hashes": row[first - 1 : last]}


@pytest.mark.parametrize(
    ("upto", "row", "first", "last", "placed", "why"),
    [
        (0, OURS, 1, 3, Append(0), "a stream begins"),
        (5, OURS, 6, 8, Append(0), "the next batch"),
        (5, OURS, 3, 8, Append(3), "other borders, overlapping"),
        (5, OURS, 5, 6, Append(1), "overlapping by one"),
        (5, OURS, 1, 5, Duplicate(), "all of it again"),
        (5, OURS, 2, 3, Duplicate(), "a part of it again"),
        (5, OURS, 8, 9, Park((6, 7)), "two are missing"),
        (0, OURS, 2, 2, Park((1, 1)), "the first is missing"),
        (5, OTHER, 6, 8, Equivocation(5), "another past before the next"),
        (5, OTHER, 3, 8, Equivocation(5), "another past, overlapping"),
        (5, OTHER, 2, 3, Equivocation(3), "another past, all of it held"),
    ],
)
def test_the_table(upto: int, row: list[bytes], first: int, last: int, placed: object, why: str) -> None:
    assert place(view(upto), **offer(row, first, last)) == placed, why
    assert place(view(upto, frozen=True), **offer(row, first, last)) == Evidence()


def test_a_stream_that_does_not_begin_at_zero_hashes_is_another_history() -> None:
    assert place(view(0), first=1, prev=bytes([1]) * 32, hashes=OURS[:1]) == Equivocation(0)


@given(st.lists(st.tuples(st.integers(1, 10), st.integers(0, 9)), max_size=40))
def test_in_any_order_the_held_part_is_a_prefix_of_the_truth(offers) -> None:
    held: list[bytes] = []
    for first, size in offers:
        last = min(10, first + size)
        placed = place(StreamView(len(held), False, lambda seq, held=held: held[seq - 1]), **offer(OURS, first, last))
        assert not isinstance(placed, Equivocation | Evidence)
        if isinstance(placed, Append):
            held += OURS[first - 1 : last][placed.skip :]
        assert held == OURS[: len(held)]


@pytest.mark.parametrize(
    ("mixed", "first", "last", "good", "why"),
    [
        (3, 1, 6, 3, "they part inside the batch"),
        (3, 4, 6, 3, "they part where the batch begins"),
        (3, 2, 3, 3, "they have not parted in this batch"),
        (3, 6, 7, 0, "they parted before it: nobody can say where"),
        (0, 1, 2, 0, "nothing is common"),
        (9, 4, 9, 5, "no further than the hub holds"),
    ],
)
def test_how_far_two_histories_agree(mixed: int, first: int, last: int, good: int, why: str) -> None:
    tail = [bytes([n + 100]) * 32 for n in range(mixed, 10)]
    other = OURS[:mixed] + LINKS.extend(mixed + 1, OURS[mixed - 1] if mixed else chain.H0, tail)
    assert agreed(view(5), **offer(other, first, last)) == good, why
