"""Fair to every node, starving none: the queue before the hub's door, and the turns that credit gives."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.kernel.ids import BULK, CONTROL, LIVE
from sync.kernel.limits import (
    BACKLOG_FACTS,
    CREDIT_BATCHES,
    CREDIT_BYTES,
    CREDIT_GOOD_S,
    NOT_BEFORE_S_MAX,
    NOT_BEFORE_S_MIN,
    QUANTUM_BYTES,
)
from sync.kernel.suite import suite1
from sync.protocol import long_header
from sync.protocol.batch import make_batch
from sync.protocol.credit import Granter
from sync.protocol.fair import (
    BULK_FACTS,
    CONTROL_FACTS,
    LEAST_EVERY,
    LIVE_BACKLOG,
    LIVE_FACTS,
    WORDS,
    FairQueue,
    kind_of,
    said_in,
)

KINDS = (LIVE_FACTS, WORDS, LIVE_BACKLOG, CONTROL_FACTS, BULK_FACTS)
BIG = 256 * 1024
puts = st.tuples(st.sampled_from("abcde"), st.sampled_from(KINDS), st.integers(1, BIG))
steps = st.lists(st.one_of(puts, st.just(None)), max_size=200)


@given(steps)
def test_each_message_comes_out_once_and_a_nodes_own_in_their_order(told: list[tuple[str, int, int] | None]) -> None:
    queue: FairQueue[tuple[str, int, int]] = FairQueue()
    out, put = [], []
    for number, each in enumerate(told):
        if each is None:
            if len(queue):
                out.append(queue.take())
        else:
            node, kind, size = each
            queue.put(node, kind, size, (node, kind, number))
            put.append((node, kind, number))
    while len(queue):
        out.append(queue.take())
    assert sorted(out) == sorted(put)
    assert queue.bytes == 0 and queue.held_bytes("a") == 0
    for node in "abcde":
        for kind in KINDS:
            numbers = [number for name, sort, number in out if (name, sort) == (node, kind)]
            assert numbers == sorted(numbers)


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.lists(st.integers(1, BIG), min_size=1, max_size=30), min_size=2))
def test_while_two_wait_neither_gets_a_quantum_and_a_message_ahead(waiting: dict[str, list[int]]) -> None:
    """Source: deficit round robin, Shreedhar and Varghese 1995: what two backlogged flows got differs by a bound."""
    queue: FairQueue[tuple[str, int]] = FairQueue()
    for node, sizes in waiting.items():
        for size in sizes:
            queue.put(node, BULK_FACTS, size, (node, size))
    left = {node: len(sizes) for node, sizes in waiting.items()}
    got: Counter[str] = Counter()
    while len(queue):
        node, size = queue.take()
        left[node] -= 1
        got[node] += size
        still = [got[name] for name, n in left.items() if n]
        if len(still) > 1:
            assert max(still) - min(still) <= 2 * (QUANTUM_BYTES + BIG)


@pytest.mark.row("H01.1")
def test_a_lone_fact_goes_before_a_thousand_drains() -> None:
    queue: FairQueue[str] = FairQueue()
    for n in range(1000):
        for _ in range(3):
            queue.put(f"box-{n}", LIVE_BACKLOG, QUANTUM_BYTES, "old")
    for _ in range(1000):
        queue.take()
    queue.put("calm", LIVE_BACKLOG, 300, "lone")
    assert "lone" in [queue.take() for _ in range(3)], "fresh nodes go first, also within their kind"
    queue.put("other", WORDS, 300, "prompt")
    assert "prompt" in [queue.take() for _ in range(2)]


@pytest.mark.row("H01.1")
def test_facts_of_now_go_before_a_thousand_greetings() -> None:
    queue: FairQueue[str] = FairQueue()
    for n in range(1000):
        queue.put(f"box-{n}", WORDS, 300, "hello")
    for _ in range(10):  # one fact after the other, of a node that is not fresh any more
        queue.put("calm", LIVE_FACTS, 300, "fact")
        assert "fact" in [queue.take() for _ in range(2)]


def test_who_comes_and_goes_does_not_starve_who_waits() -> None:
    queue: FairQueue[str] = FairQueue()
    for _ in range(50):
        queue.put("patient", WORDS, 1000, "patient")
    served = 0
    for _ in range(200):
        queue.put("restless", WORDS, 1000, "restless")
        served += queue.take() == "patient"
    assert served == 50


def test_the_least_urgent_kind_gets_every_eighth_turn() -> None:
    queue: FairQueue[str] = FairQueue()
    for _ in range(100):
        queue.put("a", WORDS, 100, "prompt")
        queue.put("b", BULK_FACTS, 100, "bulk")
    assert [queue.take() for _ in range(80)].count("bulk") == 80 // LEAST_EVERY


@pytest.mark.parametrize(
    ("lane", "backlog", "kind"),
    [
        (LIVE, False, LIVE_FACTS),
        (LIVE, True, LIVE_BACKLOG),
        (CONTROL, False, CONTROL_FACTS),
        (BULK, True, BULK_FACTS),
    ],
)
def test_the_kind_is_read_from_the_header(lane: int, backlog: bool, kind: int) -> None:
    raw = make_batch(
        node="courier-a3k7q2xw", incarnation=7, lane=lane, first=1, prev_hash=bytes(32), items=[b"\xa0"],
        signing_key=bytes(32), hub_seal_key=None, backlog=backlog, suite=suite1,
)  # fmt: skip
    assert kind_of(raw) == kind


@pytest.mark.parametrize(("facts", "kind"), [(BACKLOG_FACTS - 1, LIVE_FACTS), (BACKLOG_FACTS, LIVE_BACKLOG)])
def test_many_facts_at_once_are_a_backlog_also_without_a_restart(facts: int, kind: int) -> None:
    raw = make_batch(
        node="courier-a3k7q2xw", incarnation=7, lane=LIVE, first=1, prev_hash=bytes(32), items=[b"\xa0"] * facts,
        signing_key=bytes(32), hub_seal_key=None, suite=suite1,
    )  # fmt: skip
    assert kind_of(raw) == kind


@given(st.binary(max_size=300))
def test_any_bytes_have_a_kind(raw: bytes) -> None:
    assert kind_of(raw) in KINDS and kind_of(long_header.MAGIC + raw) in KINDS


acts = st.lists(
    st.one_of(
        st.tuples(st.just("asks"), st.integers(0, 9), st.integers(0, 5000)),
        st.tuples(st.just("sends"), st.integers(0, 9), st.integers(1, BIG)),
        st.tuples(st.just("waits"), st.integers(0, 9), st.integers(1, 2 * CREDIT_GOOD_S)),
    ),
    max_size=150,
)


@given(acts)
def test_all_windows_together_stay_below_the_cap(told: list[tuple[str, int, int]]) -> None:
    granter, now_s = Granter(nodes_max=3), 0.0
    for act, n, amount in told:
        node = f"box-{n}"
        if act == "asks":
            granter.asked(node, amount, now_s)
        elif act == "sends":
            granter.taken(node, 500, amount, now_s)
        else:
            now_s += amount
        granter.admit(now_s)
        turns = [turn for each in range(10) if (turn := granter.turn(f"box-{each}", now_s)) is not None]
        assert sum(turn.batches for turn in turns) <= 3 * CREDIT_BATCHES
        assert sum(turn.bytes for turn in turns) <= 3 * CREDIT_BYTES
        assert all(
            (turn.wait_s == 0) if turn.batches else (NOT_BEFORE_S_MIN <= turn.wait_s <= NOT_BEFORE_S_MAX)
            for turn in turns
        )
        assert len(granter.active) == 3 or not granter.waiting, "no place stays free while somebody waits"


@given(st.lists(st.integers(1, 200), min_size=4, max_size=40), st.integers(1, 8))
@pytest.mark.row("H01.1")
def test_everybody_drains_and_nobody_waits_longer_than_a_round(batches: list[int], nodes_max: int) -> None:
    granter = Granter(nodes_max)
    left = {f"box-{n}": count for n, count in enumerate(batches)}
    for node, count in left.items():
        granter.asked(node, 500 * count, 0.0)
    since, now_s = dict.fromkeys(left, 0), 0.0
    while any(left.values()):
        granter.admit(now_s)
        assert granter.active, "somebody waits and nobody may send"
        node = max(granter.active, key=lambda each: since[each])
        now_s += 0.01
        granter.taken(node, 500, QUANTUM_BYTES // 2, now_s)
        left[node] -= 1
        if not left[node]:
            granter.asked(node, 0, now_s)
        for each, n in left.items():
            since[each] = 0 if each == node or not n else since[each] + 1
        assert max(since.values()) <= 3 * len(batches) + nodes_max, "two batches a turn, and everybody else before"


def test_a_place_whose_node_is_gone_is_given_away() -> None:
    granter = Granter(nodes_max=1)
    granter.asked("gone", 1000, 0.0)
    granter.asked("next", 1000, 0.0)
    assert granter.admit(0.0) == ["gone"] and granter.admit(CREDIT_GOOD_S - 1.0) == []
    assert granter.admit(CREDIT_GOOD_S) == ["next"]


def test_the_wait_spreads_over_the_drain() -> None:
    granter = Granter(nodes_max=2)
    for n in range(400):
        granter.asked(f"box-{n}", 10_000, 0.0)
    granter.admit(0.0)
    for n in range(200):
        granter.taken("box-0", 1, 1, n * 0.01)
    waits = [turn.wait_s for n in range(2, 400) if (turn := granter.turn(f"box-{n}", 2.0)) is not None]
    assert waits == sorted(waits)
    assert waits[-1] == pytest.approx(398 * CREDIT_BATCHES / 20, rel=0.9) and waits[-1] < 70


def batch_of(first: int = 1, head: bytes = b"\x01" * 32) -> bytes:
    return make_batch(
        node="courier-aaaaaaaa", incarnation=7, lane=LIVE, first=first, prev_hash=bytes(32), items=[b"\xa0"],
        signing_key=b"\x02" * 32, hub_seal_key=suite1.sealing_public(b"\x03" * 32), head_hash=head, suite=suite1,
)  # fmt: skip


def test_facts_that_wait_do_not_wait_twice_however_they_are_sealed() -> None:
    sent, again, more, other = batch_of(), batch_of(), batch_of(2), batch_of(head=b"\x04" * 32)
    assert sent != again, "each sealing draws a key of its own"
    queue: FairQueue[bytes] = FairQueue()
    for raw in (sent, again, more, other):
        queue.put("a", WORDS, len(raw), raw, said_in(raw))
    queue.put("b", WORDS, len(again), again, said_in(again))  # another's word says nothing about this one's
    assert sorted(queue.take() for _ in range(len(queue))) == sorted((sent, more, other, again))
    queue.put("a", WORDS, len(again), again, said_in(again))
    assert queue.take() == again, "what was taken may come again: its acknowledgement may be lost"
    assert queue.bytes == 0 and queue.held_bytes("a") == queue.held_bytes("b") == 0
