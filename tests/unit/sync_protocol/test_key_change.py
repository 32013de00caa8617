"""A node's new key as both keys say it: what is proven, and each way in which it is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sync.adapters.keys.suites import suite_of
from sync.catalog import KINDS
from sync.domain.fleet import facts
from sync.kernel import canonical
from sync.kernel.outcome import PeerFault
from sync.protocol.key_change import KeyChange, make_change

NODE, OLD, NEW, THIRD = "courier-a3k7q2xw", bytes(range(1, 33)), bytes(range(2, 34)), bytes(range(3, 35))
TLS = bytes(range(32))


@pytest.mark.parametrize("number", [1, 2])
def test_both_keys_say_so_and_the_words_come_back_as_they_were(number: int) -> None:
    suite = suite_of(number)
    made = make_change(suite, NODE, OLD, NEW, TLS)
    read = KeyChange.read(canonical.decode(canonical.encode(made.body())))
    assert read == made and read.public == suite.signing_public(NEW)
    assert read.is_proven(suite, NODE, suite.signing_public(OLD))
    fact = facts.key_changed(NODE, made.body())
    KINDS[facts.KEY_CHANGED].check(fact.body)
    assert KeyChange.read(dict(fact.body)) == made


@pytest.mark.parametrize("number", [1, 2])
def test_what_either_key_did_not_say_proves_nothing(number: int) -> None:
    suite = suite_of(number)
    old = suite.signing_public(OLD)
    made, other = make_change(suite, NODE, OLD, NEW, TLS), make_change(suite, NODE, OLD, THIRD, TLS)
    wrong = {
        "another node": made.is_proven(suite, "courier-aaaaaaaa", old),
        "another old key": made.is_proven(suite, NODE, suite.signing_public(THIRD)),
        "another new key": replace(made, public=other.public).is_proven(suite, NODE, old),
        "no word of the new key": replace(made, by_new=other.by_new).is_proven(suite, NODE, old),
        "no word of the old key": replace(made, by_old=other.by_old).is_proven(suite, NODE, old),
        "another TLS key": replace(made, tls=bytes(32)).is_proven(suite, NODE, old),
        "the same key": make_change(suite, NODE, OLD, OLD, TLS).is_proven(suite, NODE, old),
    }
    assert not any(wrong.values()), wrong


@pytest.mark.parametrize(
    "body",
    [None, {}, {1: b"short"}, {1: bytes(8), 2: bytes(31), 3: bytes(64), 4: bytes(64), 5: bytes(32)},
     {1: bytes(8), 2: bytes(32), 3: bytes(64), 4: bytes(64), 5: bytes(32), 6: b""}],
)  # fmt: skip
def test_what_is_no_key_change_is_refused(body: object) -> None:
    with pytest.raises(PeerFault, match=r"key\.body"):
        KeyChange.read(body)
