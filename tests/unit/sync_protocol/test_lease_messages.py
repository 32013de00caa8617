"""Leases and asks on the wire: what is said is read again, and what makes no lease is refused."""

from typing import Any

import pytest

from sync.kernel import canonical
from sync.kernel.limits import LEASE_UNITS_MAX
from sync.kernel.outcome import PeerFault
from sync.protocol import lease as words
from sync.protocol.lease import Ask, Lease, LeaseWord

ID, NODE = bytes(range(16)), "kiosk-a3k7q2xw"
BLOCK = Lease(ID, words.NUMBER, "ticket:hall-1", NODE, 5, incarnation=7, first=101, last=200)
HELD = Lease(ID, words.HOLD, "shelf:A1", NODE, 5, fence=words.fence_of(2, 9), lasts_s=600, grace_s=60)
READS = Lease(ID, words.READ, "record:W12", NODE, 5, quota=20, lasts_s=600, offline_s=300, wrapped=(b"key",))


def again(body: Any) -> Any:
    return canonical.decode(canonical.encode(body))


@pytest.mark.parametrize("lease", [BLOCK, HELD, READS], ids=["number", "hold", "read"])
def test_a_word_on_a_lease_is_read_as_it_was_said(lease: Lease) -> None:
    word = LeaseWord(words.STANDS, ID, lease, (7, 1), 3, 60)
    assert LeaseWord.read(again(word.body())) == word


def test_not_now_and_closed_need_no_lease() -> None:
    for word in (LeaseWord(words.NOT_NOW, answers=(7, 1), code="lease.held", wait_s=60), LeaseWord(words.CLOSED, ID)):
        assert LeaseWord.read(again(word.body())) == word


def test_asks_are_read_as_they_were_said() -> None:
    for ask in (
        Ask(1, words.WANT, 7, words.GLASS, "record:W12", 5, 600, "u-1", "ward", "emergency"),
        Ask(2, words.RENEW, 7, id=ID, used=4, spent_s=90, shown=b"signed"),
    ):
        assert Ask.read(again(ask.body())) == ask


BAD_LEASES = {
    "a block of no incarnation": (BLOCK, {5: None}),
    "a block that ends before it begins": (BLOCK, {6: [9, 8]}),
    "a block beyond all measure": (BLOCK, {6: [1, LEASE_UNITS_MAX + 1]}),
    "a block that begins at nothing": (BLOCK, {6: [0, 5]}),
    "a hold without fence": (HELD, {8: None}),
    "a hold without term": (HELD, {11: 0}),
    "reads without quota": (READS, {7: None}),
    "reads that may stay offline for ever": (READS, {12: 0}),
    "an id too short": (READS, {1: b"short"}),
    "a kind nobody knows": (READS, {2: 9}),
    "a resource with a blank": (READS, {3: "record w12"}),
    "a standing without its lease": (READS, {2: None}),
    "keys that are no bytes": (READS, {15: ["key"]}),
}


@pytest.mark.parametrize("why", BAD_LEASES)
def test_what_makes_no_lease_is_refused(why: str) -> None:
    lease, change = BAD_LEASES[why]
    body = dict(LeaseWord(words.STANDS, ID, lease).body())
    for number, value in change.items():
        body.pop(number, None)
        if value is not None:
            body[number] = value
    with pytest.raises(PeerFault, match=r"lease\.body"):
        LeaseWord.read(again(dict(sorted(body.items()))))


@pytest.mark.parametrize("body", [{}, {1: 1, 2: 9, 3: 7}, {1: 1, 2: 1, 3: 0, 4: 1, 5: "x"}, {1: 1, 2: 2, 3: 7}, [], 3])
def test_what_asks_nothing_is_refused(body: Any) -> None:
    with pytest.raises(PeerFault, match=r"ask\.body"):
        Ask.read(body)


def test_a_fence_of_a_later_epoch_is_above_all_of_an_earlier_one() -> None:
    assert words.fence_of(2, 1) > words.fence_of(1, (1 << 40) - 1)
