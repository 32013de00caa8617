"""Laws of what is read from paper and guns: any text ends in an answer, and what we write reads back the same."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.domain.tracking import base45
from sync.domain.tracking.alias import family, resolve
from sync.domain.tracking.codes import Code, code_text, parse_code
from sync.domain.tracking.receipt_code import TEXT_CHARS_MAX, ReceiptScan, RoundHead, decode, encode, read, verify
from sync.kernel.ids import FactId
from sync.kernel.outcome import PeerFault, Refused
from sync.kernel.suite import suite1
from sync.merge.shape import INSTANT_MS_MAX

PRIVATE = bytes(range(32))
PUBLIC = suite1.signing_public(PRIVATE)
KEY_ID = suite1.key_id(PUBLIC)

record_numbers = st.one_of(
    st.text(string.digits, min_size=4, max_size=20),
    st.text(string.digits + string.ascii_uppercase, min_size=4, max_size=20),
)
stay_numbers = st.integers(0, 9999).map(str)
stay_keys = st.builds(lambda number, stay: f"{number}-{stay}", record_numbers, stay_numbers)
nodes = st.sampled_from(["courier-aaaaaaaa", "courier-bbbbbbbb"])
scans = st.builds(
    ReceiptScan,
    st.builds(FactId, nodes, st.sampled_from([1, 77, 2**63 - 1]), st.just(1), st.integers(1, 2**40)),
    stay_keys,
    st.one_of(st.integers(1_763_000_000_000, 1_763_000_900_000), st.integers(0, INSTANT_MS_MAX)),
)
rounds = st.lists(scans, max_size=400, unique_by=lambda scan: scan.fact)
heads = st.builds(
    RoundHead, st.sampled_from(["courier-aaaaaaaa.0000002a", "records-cccccccc.ffffffff"]), st.just("W12"),
    st.sampled_from(["u-lin", "u-" + "长" * 30]),
)  # fmt: skip


def sign(message: bytes) -> bytes:
    return suite1.sign(PRIVATE, message)


def public_of(key_id: bytes) -> bytes | None:
    return PUBLIC if key_id == KEY_ID else None


@pytest.mark.row("F10.13")
@settings(deadline=None, max_examples=40)
@given(heads, rounds, st.randoms(use_true_random=False))
def test_a_round_comes_back_from_its_codes_in_any_order(head: RoundHead, told: list[ReceiptScan], chance: Any) -> None:
    texts = encode(head, told, key_id=KEY_ID, sign=sign)
    chance.shuffle(texts)
    got = []
    for text in texts:
        assert len(text) <= TEXT_CHARS_MAX and set(text) <= set(base45.ALPHABET)
        part = decode(text)
        assert verify(part, PUBLIC, suite1.verify) and part.n == len(texts)
        assert (part.round, part.ward, part.courier) == tuple(head)
        got += [ReceiptScan(part.fact_of(one), one.stay_key, one.at_ms) for one in part.entries]
    assert sorted(got) == sorted(told)


@pytest.mark.row("F10.13")
@given(heads, st.lists(scans, min_size=1, max_size=20, unique_by=lambda scan: scan.fact), st.data())
def test_one_changed_letter_is_refused(head: RoundHead, told: list[ReceiptScan], data: st.DataObject) -> None:
    text = encode(head, told, key_id=KEY_ID, sign=sign)[0]
    at = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from(base45.ALPHABET + "aé").filter(lambda other: other != text[at]))
    assert isinstance(read(text[:at] + letter + text[at + 1 :], public_of, suite1.verify), Refused)


@given(st.one_of(st.text(max_size=200), st.text(base45.ALPHABET, max_size=400).map(lambda text: "WAY1:" + text)))
def test_any_text_as_a_receipt_is_an_answer(text: str) -> None:
    assert isinstance(read(text, public_of, suite1.verify), Refused)


@given(st.binary(min_size=64, max_size=300))
def test_any_bytes_in_a_receipt_are_an_answer(data: bytes) -> None:
    try:
        decode("WAY1:" + base45.encode(data))
    except PeerFault as fault:
        assert fault.code in ("receipt.damaged", "base45")


@given(st.binary(max_size=64))
def test_base45_round_trips_and_never_ends_in_a_blank(data: bytes) -> None:
    text = base45.encode(data)
    assert base45.decode(text) == data and not text.endswith(" ")


@given(st.text(base45.ALPHABET, max_size=40))
def test_base45_has_one_text_for_one_run_of_bytes(text: str) -> None:
    try:
        data = base45.decode(text)
    except PeerFault:
        return
    assert base45.encode(data) == text


@given(st.text(max_size=80), st.lists(st.sampled_from(["ZY", "Z", "0073"]), max_size=3))
def test_any_text_under_the_gun_is_an_answer(text: str, prefixes: list[str]) -> None:
    got = parse_code(text, prefixes)
    assert isinstance(got, Code | Refused)
    if isinstance(got, Refused):
        assert not any(text and text in str(value) for value in got.fields.values() if len(text) > 3)


@pytest.mark.row("F04.1")
@given(record_numbers, stay_numbers)
def test_a_label_without_prefix_reads_back(number: str, stay: str) -> None:
    got = parse_code(code_text("", number, stay))
    assert isinstance(got, Code) and (got.record_no, got.stay_no or "0") == (number, stay)


numbers = st.sampled_from("ABCDEFG")


@given(st.dictionaries(numbers, numbers), numbers)
def test_merges_end_whatever_they_say(aliases: dict[str, str], number: str) -> None:
    found, hops = resolve(number, aliases)
    assert hops <= len(aliases)
    assert resolve(found, aliases)[0] == found
    if number in aliases:
        assert resolve(aliases[number], aliases)[0] == found
    back: dict[str, list[str]] = {}
    for old, into in aliases.items():
        back.setdefault(into, []).append(old)
    kin = family(number, aliases.get, lambda one: back.get(one, []))
    assert kin[0] == number and found in kin and len(set(kin)) == len(kin)
    assert all(set(family(other, aliases.get, lambda one: back.get(one, []))) == set(kin) for other in kin)
