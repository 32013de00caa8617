from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.kernel import chain
from sync.kernel.fact import Annotation
from sync.kernel.ids import FactId
from sync.kernel.suite import suite1

NODE, INCARNATION = "courier-a3k7q2xw", 0x0102030405060708
annotations = st.builds(
    Annotation, st.integers(0, 2**63 - 1), st.integers(1, 2**32 - 1), st.integers(0, 9), st.integers(0, 99)
)
fact_ids = st.builds(
    FactId,
    st.sampled_from([NODE, "courier-a", "hub-aaaaaaaa"]),
    st.integers(1, 9),
    st.integers(0, 2),
    st.integers(1, 9),
)


def test_a_link_is_the_hash_that_the_protocol_page_spells_out() -> None:
    d = suite1.hash(b"fact")
    written_out = b"way/1 fact\x00" + NODE.encode() + bytes.fromhex("0102030405060708010000000000000001") + bytes(32)
    assert chain.Chain(suite1.hasher, NODE, INCARNATION, 1).link(1, chain.H0, d) == sha256(written_out + d).digest()


@given(st.lists(st.binary(max_size=20), max_size=12), st.integers(0, 12))
def test_a_chain_is_the_same_however_it_is_cut(facts: list[bytes], cut: int) -> None:
    links = chain.Chain(suite1.hasher, NODE, INCARNATION, 1)
    digests = [suite1.hash(fact) for fact in facts]
    whole = links.extend(1, chain.H0, digests)
    head = links.extend(1, chain.H0, digests[:cut])
    tail = links.extend(len(head) + 1, head[-1] if head else chain.H0, digests[cut:])
    assert head + tail == whole


@given(st.lists(st.binary(max_size=4), min_size=2, max_size=6, unique=True), st.data())
def test_an_equal_hash_means_an_equal_past(facts: list[bytes], data: st.DataObject) -> None:
    other = data.draw(st.permutations(facts))
    links = chain.Chain(suite1.hasher, NODE, INCARNATION, 1)
    a, b = (links.extend(1, chain.H0, map(suite1.hash, row)) for row in (facts, other))
    for n in range(len(facts)):
        assert (a[n] == b[n]) == (facts[: n + 1] == other[: n + 1])


def test_streams_do_not_share_hashes() -> None:
    places = [(NODE, 1, 0), (NODE, 1, 1), (NODE, 2, 0), ("courier-a", 1, 0)]
    assert len({chain.Chain(suite1.hasher, *place).extend(1, chain.H0, [bytes(32)])[0] for place in places}) == 4


@given(st.lists(st.tuples(fact_ids, annotations), max_size=6), st.randoms())
def test_set_digests_do_not_know_an_order(rows: list[tuple[FactId, Annotation]], random) -> None:
    def total(items: list[tuple[FactId, Annotation]]) -> bytes:
        x = chain.EMPTY_SET
        for fact_id, annotation in items:
            x = chain.xor(
                x, chain.annotated_tag(suite1.hasher, chain.tag(suite1.hasher, fact_id, bytes(32)), annotation)
            )
        return x

    mixed = rows[:]
    random.shuffle(mixed)
    assert total(mixed) == total(rows)
    assert total(rows + rows) == chain.EMPTY_SET


def test_every_word_of_an_annotation_counts() -> None:
    tag = chain.tag(suite1.hasher, FactId(NODE, 1, 1, 1), bytes(32))
    items = [Annotation(1, 2, 3, 4), Annotation(9, 2, 3, 4), Annotation(1, 9, 3, 4), Annotation(1, 2, 9, 4)]
    assert len({chain.annotated_tag(suite1.hasher, tag, item) for item in [*items, Annotation(1, 2, 3, 9)]}) == 5
    with pytest.raises(AssertionError):
        chain.annotated_tag(suite1.hasher, tag, Annotation(1, None))


@given(*[st.tuples(annotations, fact_ids, st.integers(0, 2**63 - 1))] * 2)
def test_order_keys_sort_like_their_parts(a: tuple[Annotation, FactId, int], b: tuple[Annotation, FactId, int]) -> None:
    def parts(row: tuple[Annotation, FactId, int]) -> tuple[int, str, int, int, int, int]:
        annotation, fact_id, hlc = row
        return (annotation.order, fact_id.node, hlc, fact_id.incarnation, fact_id.lane, fact_id.seq)

    assert len(chain.order_key(*a)) == chain.ORDER_KEY_BYTES
    assert (chain.order_key(*a) < chain.order_key(*b)) == (parts(a) < parts(b))
