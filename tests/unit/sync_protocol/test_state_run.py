"""A snapshot's segment read by column says what each entry says alone, whatever shape it has."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sync.kernel import canonical
from sync.kernel.chain import ORDER_KEY_BYTES
from sync.kernel.outcome import PeerFault
from sync.protocol import feed
from sync.protocol.feed import Checkpoint, StateEntry
from sync.protocol.state_run import state_columns

numbers = st.sampled_from((1, 3, 23, 24, 106, 255, 256, 1793, 65535))
keys = st.one_of(st.text("0123456789-年a", max_size=40).filter(lambda text: feed.is_key(text)), st.binary(max_size=16))
streams = st.lists(
    st.tuples(
        st.sampled_from(("hub-a", "ward-123456")), st.integers(0, 2**63 - 1), st.integers(0, 3), st.integers(0, 9)
    ),
    max_size=3,
)  # fmt: skip
points = st.builds(
    Checkpoint,
    state=st.sampled_from((0, 5, 23, 24, 60, 255, 256, 300)).flatmap(lambda n: st.binary(min_size=n, max_size=n)),
    rev=st.one_of(numbers, st.integers(0x03583100, 0x035831FF)),
    floor=st.binary(min_size=ORDER_KEY_BYTES, max_size=ORDER_KEY_BYTES),
    seen_streams=streams.map(tuple),
    d=st.binary(min_size=16, max_size=16),
    x=st.one_of(st.binary(min_size=16, max_size=16), st.just(b"\x06\x50" + bytes(14))),
    fold_version=numbers,
)
USUAL = Checkpoint(b"s" * 60, 1, b"f" * ORDER_KEY_BYTES, (("hub-a", 7, 2, 9),), b"d" * 16, b"x" * 16, 1)


@given(st.lists(st.builds(StateEntry, etype=numbers, key=keys, checkpoint=points), max_size=6))
@example([StateEntry(11, "10000000-1", USUAL), StateEntry(106, "i2345678", USUAL), StateEntry(11, b"k" * 9, USUAL)])
def test_by_column_is_one_by_one(entries: list[StateEntry]) -> None:
    found = state_columns([feed.encode_entry(each) for each in entries])
    said = [each.checkpoint for each in entries]
    assert (found.etype, found.key) == ([each.etype for each in entries], [each.key for each in entries])
    assert (found.state, found.rev, found.floor) == (
        [each.state for each in said], [each.rev for each in said], [each.floor for each in said],
    )  # fmt: skip
    assert found.seen == [canonical.encode([list(stream) for stream in each.seen_streams]) for each in said]
    assert (found.d, found.x, found.fold_version) == (
        [each.d for each in said], [each.x for each in said], [each.fold_version for each in said],
    )  # fmt: skip


@pytest.mark.parametrize(
    "changed",
    (
        {3: b"short"}, {1: 7}, {4: 7}, {5: b"d" * 15}, {6: "x" * 16}, {7: True},
    ),
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused(changed: dict[int, object]) -> None:
    whole = [feed.STATE, 11, "10000000-1", {**USUAL.body(), 4: [], **changed}]
    with pytest.raises(PeerFault) as told:
        state_columns([feed.encode_entry(StateEntry(11, "1", USUAL)), canonical.encode(whole)])
    assert told.value.code == "feed.entry"


@pytest.mark.parametrize("entry", (feed.EvictEntry(11, "10000000-1"), feed.GoneEntry(11, "10000000-1", 7)))
def test_another_kind_of_entry_is_refused(entry: feed.Entry) -> None:
    with pytest.raises(PeerFault) as told:
        state_columns([feed.encode_entry(entry)])
    assert told.value.code == "feed.entry"


@given(st.binary(max_size=200), st.integers(0, 300), st.integers(0, 255))
def test_broken_bytes_are_a_peers_fault(noise: bytes, at: int, byte: int) -> None:
    usual = bytearray(feed.encode_entry(StateEntry(11, "10000000-1", USUAL)))
    usual[at % len(usual)] = byte
    for data in (noise, bytes(usual), bytes(usual[: at % len(usual)])):
        try:
            state_columns([data])
        except PeerFault as fault:
            assert fault.code.startswith(("cbor.", "feed."))
