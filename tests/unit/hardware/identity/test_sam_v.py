import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.codecs.identity import sam_v
from hardware.codecs.identity.sam_v import Answer, AnswerReader, BadFrame, module_number, trouble
from sync.kernel.outcome import PeerFault
from tests.unit.hardware.identity.specimens import framed

FOUND = bytes.fromhex("AAAAAA9669 0008 00009F 00000000 97")
SELECTED = bytes.fromhex("AAAAAA9669 000C 000090 0000000000000000 9C")
NO_CARD = bytes.fromhex("AAAAAA9669 0004 000080 84")
SELECT_FAILED = bytes.fromhex("AAAAAA9669 0004 000081 85")
READ_FAILED = bytes.fromhex("AAAAAA9669 0004 000041 45")


def one(data: bytes) -> Answer:
    (found,) = AnswerReader().feed(data)
    assert isinstance(found, Answer)
    return found


@pytest.mark.parametrize(
    ("command", "behind"),
    [
        (sam_v.RESET, "000310FFEC"),
        (sam_v.STATUS, "000311FFED"),
        (sam_v.MODULE, "000312FFEE"),
        (sam_v.FIND, "0003200122"),
        (sam_v.SELECT, "0003200221"),
        (sam_v.READ, "0003300132"),
        (sam_v.ADDRESS, "0003300330"),
        (sam_v.set_baud(115200), "0003600063"),
        (sam_v.set_baud(9600), "0003600467"),
    ],
)
def test_a_command_has_the_published_bytes(command: sam_v.Command, behind: str) -> None:
    assert command.frame() == bytes.fromhex("AAAAAA9669" + behind)


def test_no_command_asks_for_fingerprints() -> None:
    assert all(command.body != b"\x30\x10" for command in sam_v.COMMANDS)


@pytest.mark.parametrize(
    ("command", "data", "word"),
    [
        (sam_v.FIND, FOUND, None),
        (sam_v.SELECT, SELECTED, None),
        (sam_v.FIND, NO_CARD, "card.none"),
        (sam_v.SELECT, SELECT_FAILED, "card.select"),
        (sam_v.READ, READ_FAILED, "card.read"),
        (sam_v.SELECT, FOUND, "answer.shape"),
        (sam_v.FIND, SELECTED, "answer.shape"),
        (sam_v.READ, SELECTED, "answer.shape"),
        (sam_v.FIND, framed(bytes.fromhex("00009F000000")), "answer.shape"),
        (sam_v.FIND, framed(bytes.fromhex("01009F00000000")), "module.unknown-status"),
        (sam_v.FIND, framed(bytes.fromhex("000100")), "module.unknown-status"),
        (sam_v.STATUS, framed(bytes.fromhex("000077")), "module.unknown-status"),
    ],
)
def test_only_the_right_status_in_the_right_shape_is_a_success(
    command: sam_v.Command, data: bytes, word: str | None
) -> None:
    assert trouble(command, one(data)) == word


@pytest.mark.parametrize("status", range(256))
def test_every_status_has_a_word(status: int) -> None:
    word = trouble(sam_v.STATUS, one(framed(bytes((0, 0, status)))))
    if status == 0x90:
        assert word is None
    else:
        assert word in {*sam_v.TROUBLES.values(), "module.unknown-status", "answer.shape"}
        assert (word == "module.unknown-status") == (status not in sam_v.TROUBLES and status != 0x9F)


def test_a_read_has_text_and_photo() -> None:
    text, photo = bytes(range(256)), bytes(1024)
    data = framed(b"\0\0\x90\x01\0\x04\0" + text + photo)
    assert len(data) == 1295
    answer = one(data)
    assert trouble(sam_v.READ, answer) is None
    assert sam_v.text_and_photo(answer) == (text, photo)
    assert answer.frame() == data
    with_fingers = one(framed(b"\0\0\x90\x01\0\x04\0\x04\0" + text + photo + bytes(1024)))
    assert trouble(sam_v.READ, with_fingers) == "answer.shape"


def test_the_module_says_its_number() -> None:
    raw = bytes.fromhex("0500 0100 63763401 01000000 02000000")
    assert module_number(raw) == "05.01-20215395-0000000001-0000000002"
    with pytest.raises(PeerFault, match=r"module\.number"):
        module_number(raw[:-1])


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"\x00\xffgarbage" + FOUND, [FOUND]),
        (b"\xaa\xaa" + FOUND, [FOUND]),
        (b"\xaa\xaa\xaa\x96" + FOUND, [FOUND]),
        (FOUND + SELECTED + b"\xaa", [FOUND, SELECTED]),
        (FOUND[:-1] + b"\x96" + SELECTED, ["frame.check", SELECTED]),
        (FOUND[:5] + b"\xff\xff" + SELECTED, ["frame.length", SELECTED]),
        (FOUND[:5] + b"\x00\x00" + SELECTED, ["frame.length", SELECTED]),
        (FOUND[:-1], []),
        (b"", []),
    ],
)
def test_frames_are_found_whole_or_byte_by_byte(data: bytes, found: list[bytes | str]) -> None:
    reader = AnswerReader()
    at_once = AnswerReader().feed(data)
    assert [each for byte in data for each in reader.feed(bytes([byte]))] == at_once
    assert [each.code if isinstance(each, BadFrame) else each.frame() for each in at_once] == found


def test_what_looks_like_a_frame_inside_a_bad_one_is_none() -> None:
    inner = FOUND + bytes(1024 - len(FOUND))
    whole = bytearray(framed(b"\0\0\x90\x01\0\x04\0" + bytes(256) + inner))
    whole[-1] ^= 1
    assert AnswerReader().feed(bytes(whole)) == [BadFrame("frame.check")]


@given(st.lists(st.binary(max_size=3000), max_size=4))
def test_no_bytes_break_it_and_little_is_held(pieces: list[bytes]) -> None:
    reader = AnswerReader()
    for piece in pieces:
        for found in reader.feed(piece):
            if isinstance(found, Answer):
                assert found.frame() in b"".join(pieces)
    reader.feed(b"\xaa\xaa\xaa\x96\x69\x10\x00" + bytes(10_000))
    assert len(reader._held) <= sam_v.LENGTH_BYTES_MAX + 7


@given(st.binary(max_size=2000))
def test_the_folded_xor_is_the_plain_one(data: bytes) -> None:
    plain = 0
    for byte in data:
        plain ^= byte
    assert sam_v.xor_of(data) == plain
