"""Receipt codes: what fits, what stands alone, what is refused. All numbers are invented."""

from __future__ import annotations

import pytest

from sync.domain.tracking import base45, facts, words
from sync.domain.tracking.rebuild import rebuild
from sync.domain.tracking.receipt_code import TEXT_CHARS_MAX, ReceiptScan, RoundHead, decode, encode, read, verify
from sync.domain.tracking.rounds import Round
from sync.kernel.ids import FactId
from sync.kernel.outcome import PeerFault, Refused
from sync.kernel.suite import suite1

PRIVATE = bytes(range(32))
PUBLIC = suite1.signing_public(PRIVATE)
KEY_ID = suite1.key_id(PUBLIC)
NODE = "courier-aaaaaaaa"
HEAD = RoundHead(f"{NODE}.0000002a", "W12", "u-lin")


def sign(message: bytes) -> bytes:
    return suite1.sign(PRIVATE, message)


def scans(count: int, incarnation: int = 77) -> list[ReceiptScan]:
    return [
        ReceiptScan(FactId(NODE, incarnation, 1, 3 * at), f"{73_1846 + at:08d}-1", 1_763_000_000_000 + 4000 * at)
        for at in range(1, count + 1)
    ]


def codes(told: list[ReceiptScan]) -> list[str]:
    return encode(HEAD, told, key_id=KEY_ID, sign=sign)


@pytest.mark.row("F10.13")
def test_each_code_is_whole_for_its_own_records_and_together_they_are_the_batch() -> None:
    told = scans(400)
    texts = codes(told)
    parts = [decode(text) for text in reversed(texts)]
    assert all(len(text) <= TEXT_CHARS_MAX for text in texts) and len(texts) <= 10
    assert all(verify(part, PUBLIC, suite1.verify) for part in parts)
    assert {part.k for part in parts} == set(range(1, len(texts) + 1)) and {part.n for part in parts} == {len(texts)}
    got = {ReceiptScan(part.fact_of(one), one.stay_key, one.at_ms) for part in parts for one in part.entries}
    assert got == set(told)
    assert {(part.round, part.ward, part.courier) for part in parts} == {tuple(HEAD)}


def test_a_round_that_went_on_after_a_restart_has_codes_of_both_starts() -> None:
    told = scans(3) + scans(2, incarnation=78)
    parts = [decode(text) for text in codes(told)]
    assert [(part.incarnation, len(part.entries)) for part in parts] == [(77, 3), (78, 2)]


def test_an_empty_round_has_no_code() -> None:
    assert codes([]) == []


def test_another_letter_anywhere_is_refused() -> None:
    (text,) = codes(scans(2))
    for at, was in enumerate(text):
        for letter in {base45.ALPHABET[(base45.ALPHABET.find(was) + 1) % 45], "0", "Z", "a"} - {was}:
            changed = text[:at] + letter + text[at + 1 :]
            got = read(changed, lambda key_id: PUBLIC if key_id == KEY_ID else None, suite1.verify)
            assert isinstance(got, Refused), (at, letter)


@pytest.mark.parametrize("cut", [1, 2, 3, 64, 200])
def test_a_torn_code_is_refused(cut: int) -> None:
    (text,) = codes(scans(9))
    assert isinstance(read(text[:-cut], lambda _: PUBLIC, suite1.verify), Refused)


def test_who_signed_it_has_to_be_known_and_to_have_signed_it() -> None:
    (text,) = codes(scans(2))
    assert read(text, lambda _: None, suite1.verify) == Refused("receipt.unknown-signer")
    other = suite1.signing_public(bytes(32))
    assert read(text, lambda _: other, suite1.verify) == Refused("receipt.signature")
    assert read("ZY00731846", lambda _: PUBLIC, suite1.verify) == Refused("receipt.damaged")


@pytest.mark.row("F10.13")
def test_a_rebuilt_scan_names_the_one_it_stands_for_and_the_same_code_twice_writes_nothing() -> None:
    (text,) = codes(scans(3))
    part = decode(text)
    made = rebuild(part, Round(), "records-cccccccc", 1, lambda fact: fact.seq == 6)
    assert [(new.key, new.body[8], new.body[5], new.body[10]) for new in made[:-1]] == [
        ("00731847-1", [NODE, 77, 1, 3], words.REBUILT, "u-lin"),
        ("00731849-1", [NODE, 77, 1, 9], words.REBUILT, "u-lin"),
    ]
    assert (made[-1].kind, made[-1].body[2]) == (facts.ROUND_REBUILT, [1, 1])
    again = Round(rebuilt=(("records-cccccccc", 1, 1),))
    assert rebuild(part, again, "records-cccccccc", 1, lambda _: True) == []


@pytest.mark.parametrize(
    ("data", "text"), [(b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"), (b"ietf!", "QED8WEX0")]
)
def test_base45_gives_the_published_examples(data: bytes, text: str) -> None:
    """Source: RFC 9285, section 4.3 and 4.4."""
    assert base45.encode(data) == text and base45.decode(text) == data


@pytest.mark.parametrize("text", ["A", "AAAA", "GGW", "::", "aaa", "A=B", "::::::"])
def test_base45_refuses_what_it_never_writes(text: str) -> None:
    with pytest.raises(PeerFault):
        base45.decode(text)
