from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.kernel import canonical
from sync.kernel.outcome import PeerFault
from sync.protocol import feed, sets

POINT = feed.Checkpoint(b"\xa0", 3, bytes(49), (), bytes(16), b"x" * 16, 1)
STATE = feed.encode_entry(feed.StateEntry(10, "k", POINT))
WHOLE = sets.SetsAnswer("site:stays", 9, b"e" * 32, b"r" * 16, 5, frozenset({1, 255}), more=True)
ASKS = [
    sets.SetsAsk("site", tuple(bytes([n]) * 16 for n in range(256)), (), True),
    sets.SetsAsk("ward:W12", None, ((10, "ZY0001-1"), (11, b"x"))),
]


@pytest.mark.parametrize("ask", ASKS)
def test_an_ask_there_and_back(ask: sets.SetsAsk) -> None:
    assert sets.SetsAsk.read(canonical.decode(canonical.encode(dict(ask.body())))) == ask


@given(st.integers(0, 3000), st.integers(0, 400))
def test_an_answer_in_parts_is_the_answer(members: int, checkpoints: int) -> None:
    whole = replace(
        WHOLE,
        members=tuple((10, f"ZY{n:06d}-1", bytes(16)) for n in range(members)),
        checkpoints=(STATE,) * checkpoints,
    )
    made = sets.parts(whole)
    wires = [canonical.encode(dict(part.body())) for part in made]
    assert max(map(len, wires)) <= 65536
    received = [sets.SetsAnswer.read(canonical.decode(wire)) for wire in wires]
    assert sets.join(received[::-1] + received[:1]) == whole
    if len(received) > 1:
        assert sets.join(received[1:]) is None
    assert len(whole.states()) == checkpoints


def test_nothing_joins_to_nothing() -> None:
    assert sets.join([]) is None


@pytest.mark.parametrize("change", [{"sseq": 10}, {"e": bytes(32)}, {"label": "site"}, {"part": (2, 3)}])
def test_parts_of_two_positions_are_not_joined(change: dict[str, object]) -> None:
    with pytest.raises(PeerFault, match=r"sets\.answer"):
        sets.join([replace(WHOLE, part=(1, 2)), replace(WHOLE, **({"part": (2, 2)} | change))])


@pytest.mark.parametrize(
    ("field", "value"),
    [(2, bytes(4095)), (1, "../x"), (3, [[10]]), (3, [[10, 7]]), (3, [[10, "k"]] * 513), (4, 1)],
)
def test_an_ask_with_one_thing_wrong(field: int, value: object) -> None:
    with pytest.raises(PeerFault, match=r"sets\.ask"):
        sets.SetsAsk.read(dict(ASKS[0].body()) | {field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (1, ""),
        (2, -1),
        (3, bytes(31)),
        (4, bytes(15)),
        (6, bytes(257)),
        (7, [[1, "k"]]),
        (8, ["x"]),
        (9, 1),
        (10, [0, 1]),
    ],
)
def test_an_answer_with_one_thing_wrong(field: int, value: object) -> None:
    wire = canonical.decode(canonical.encode(dict(WHOLE.body())))
    with pytest.raises(PeerFault, match=r"sets\.answer"):
        sets.SetsAnswer.read(wire | {field: value})


def test_checkpoints_are_state_entries_only() -> None:
    with pytest.raises(PeerFault, match=r"sets\.answer"):
        replace(WHOLE, checkpoints=(feed.encode_entry(feed.EvictEntry(1, "k")),)).states()


def test_as_many_buckets_as_fit_and_always_one() -> None:
    assert sets.fitting([(3, 10), (4, 10)]) == (frozenset({3, 4}), False)
    assert sets.fitting([(3, 10**9), (4, 10)]) == (frozenset({3}), True)
    assert sets.fitting([]) == (frozenset(), False)
