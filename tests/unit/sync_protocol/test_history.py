"""Pages of own history: what is believed, and every way in which a page is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sync.kernel.ids import LIVE, StreamId
from sync.kernel.outcome import PeerFault
from sync.kernel.suite import suite1
from sync.protocol.batch import Item, Withheld, make_batch
from sync.protocol.history import Page, proven
from sync.protocol.long_header import PROOF_BYTES

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
PUBLIC = suite1.signing_public(KEY)
OWN = {suite1.key_id(PUBLIC): PUBLIC}
STREAM = StreamId("courier-a3k7q2xw", 7, LIVE)
ITEMS: tuple[Item, ...] = (b"one", b"two", Withheld(suite1.hash(b"three")), b"four", b"five")


def proof(first: int, items: tuple[Item, ...], prev: bytes, *, key: bytes = KEY, node: str = STREAM.node) -> bytes:
    raw = make_batch(
        node=node, incarnation=7, lane=LIVE, first=first, prev_hash=prev, items=items, signing_key=key,
        hub_seal_key=None, suite=suite1,
)  # fmt: skip
    return raw[:PROOF_BYTES]


def two_runs() -> Page:
    first = proof(1, ITEMS[:3], bytes(32))
    return Page(1, ITEMS, ((3, first), (5, proof(4, ITEMS[3:], first[80:112]))))


def test_a_page_comes_back_as_it_was_and_is_covered_by_the_nodes_own_signature() -> None:
    page = Page.read(two_runs().pack())
    assert page == two_runs()
    hashes, covered = proven(page, STREAM, bytes(32), OWN, suite=suite1)
    assert (len(hashes), covered) == (5, 5)


def test_what_ends_in_no_signed_run_is_not_covered_yet() -> None:
    page = replace(two_runs(), proofs=two_runs().proofs[:1])
    assert proven(page, STREAM, bytes(32), OWN, suite=suite1)[1] == 3


def test_a_page_goes_on_where_the_disk_ends() -> None:
    hashes, _ = proven(two_runs(), STREAM, bytes(32), OWN, suite=suite1)
    rest = Page(4, ITEMS[3:], two_runs().proofs[1:])
    assert proven(rest, STREAM, hashes[2], OWN, suite=suite1)[1] == 2
    with pytest.raises(PeerFault, match=r"history\.chain"):
        proven(rest, STREAM, hashes[1], OWN, suite=suite1)


@pytest.mark.parametrize(
    ("page", "code"),
    [
        (replace(two_runs(), items=(b"ONE", *ITEMS[1:])), "history.chain"),
        (replace(two_runs(), proofs=((4, two_runs().proofs[0][1]),)), "history.chain"),
        (replace(two_runs(), proofs=((9, two_runs().proofs[0][1]),)), "history.chain"),
        (replace(two_runs(), proofs=((3, proof(1, ITEMS[:3], bytes(32), key=OTHER)),)), "history.signature"),
        (replace(two_runs(), proofs=((3, two_runs().proofs[0][1][:-1] + b"\0"),)), "history.signature"),
    ],
    ids=["a fact was changed", "a header of another run", "beyond the page", "another's key", "a broken signature"],
)
def test_a_page_that_this_node_did_not_write_is_refused(page: Page, code: str) -> None:
    with pytest.raises(PeerFault, match=code):
        proven(page, STREAM, bytes(32), OWN, suite=suite1)


@pytest.mark.parametrize(
    "raw",
    [b"", b"\xa0", b"\xff" * 9, Page(1, (), ()).pack(), Page(1, (b"x" * 70_000,), ()).pack()],
    ids=["nothing", "no fields", "no CBOR", "no facts", "a fact beyond its limit"],
)
def test_what_is_no_page_is_not_read(raw: bytes) -> None:
    with pytest.raises(PeerFault):
        Page.read(raw)
