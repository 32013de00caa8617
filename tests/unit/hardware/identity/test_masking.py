import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.codecs.identity import sam_v
from hardware.codecs.identity.card_text import read_card_text
from hardware.codecs.identity.document import IdentityDocument
from hardware.codecs.identity.masking import masked_answer, masked_text, masked_zone
from hardware.codecs.identity.mrz import read_zone, zone_lines
from hardware.codecs.identity.sam_v import Answer, trouble
from sync.kernel.outcome import PeerFault, Refused
from tests.unit.hardware.identity.specimens import block, told
from tests.unit.hardware.identity.test_numbers import TD1, TD2, TD3


@pytest.mark.parametrize("mark", ["", "J", "I", "Y"])
def test_a_masked_card_is_read_as_its_kind_and_nobody(mark: str) -> None:
    fields = told(mark)
    before, after = read_card_text(block(mark, fields)), read_card_text(masked_text(block(mark, fields)))
    assert isinstance(before, IdentityDocument) and isinstance(after, IdentityDocument)
    assert (after.kind, after.edition) == (before.kind, before.edition)
    assert after.name == "某某"
    personal = [before.address, before.issuer, before.latin_name]
    if mark != "I":
        personal.append(before.permit_number)
    assert not {each for each in personal if each} & {after.address, after.issuer}


def test_a_masked_refusal_keeps_its_kind_of_card() -> None:
    unknown = masked_text(block("", told(""), raw_mark="Q"))
    assert read_card_text(unknown) == Refused("identity.unknown-document")
    assert isinstance(read_card_text(masked_text(block("", told("", sex="7")))), Refused)
    with pytest.raises(PeerFault):
        read_card_text(masked_text(b"\x00\xd8" * 124 + b" \0" * 4))


@given(st.binary(min_size=256, max_size=256), st.binary(min_size=1024, max_size=1024))
def test_no_byte_of_text_or_photo_stays(text: bytes, photo: bytes) -> None:
    """Eight bytes in a row of the original would be enough to tell somebody; padding tells nobody."""
    answer = masked_answer(Answer(b"\0\0\x90", sam_v.READ.head + text + photo))
    assert trouble(sam_v.READ, answer) is None
    pieces = {(text + photo)[at : at + 8] for at in range(1272)}
    assert not any(piece in answer.data[4:] for piece in pieces if len(set(piece) - set(b"\0 ")) > 2)


@given(st.binary(max_size=300))
def test_data_of_other_shapes_is_blanked(data: bytes) -> None:
    masked = masked_answer(Answer(b"\0\0\x90", data))
    assert len(masked.data) == len(data) and masked.status == b"\0\0\x90"
    if len(data) == 70:
        assert masked.data.decode("utf-16-le").strip() == "某地"
    elif len(data) != 16:
        assert masked.data == bytes(len(data))


@pytest.mark.parametrize("zone", [TD1, TD2, TD3])
def test_a_masked_zone_is_one_of_nobody(zone: str) -> None:
    lines = zone_lines(zone)
    assert lines is not None
    masked = masked_zone(lines)
    found = read_zone(masked, datetime.date(2026, 11, 28))
    assert isinstance(found, IdentityDocument), found
    assert (found.number, found.name, found.issuer) == ("000000000", "MASKED MASKED", "UTO")
    assert "ERIKSSON" not in "".join(masked) and "740812" not in "".join(masked)
    assert masked_zone(("?" * 44, "x" * 30)) == ("<" * 44, "<" * 30)
