"""Answers of a card reader with something wrong in them: none may be taken, none may break the reader.

`make test` plays a share of the count; `make soak` all of it.
"""

import random
from collections.abc import Callable

import pytest

from hardware.codecs.identity import sam_v
from hardware.codecs.identity.card_text import read_card_text, read_latest_address
from hardware.codecs.identity.document import IdentityDocument
from hardware.codecs.identity.sam_v import Answer, AnswerReader, trouble
from sync.kernel.outcome import PeerFault, Refused
from tests.soak import many
from tests.unit.hardware.identity.specimens import PREAMBLE, block, framed, told

FRAMES = many(60_000, 1_000_000)
READ_HEAD = b"\0\0\x90\x01\0\x04\0"
GOOD = {
    "find": (sam_v.FIND, bytes.fromhex("00009F00000000")),
    "select": (sam_v.SELECT, bytes.fromhex("0000900000000000000000")),
    "module": (sam_v.MODULE, b"\0\0\x90" + bytes(range(16))),
    "status": (sam_v.STATUS, b"\0\0\x90"),
    "address": (sam_v.ADDRESS, b"\0\0\x90" + "某路 2 号".ljust(35).encode("utf-16-le")),
}


def bodies(draw: random.Random) -> list[tuple[sam_v.Command, bytes]]:
    """Every good answer, the reads of all four layouts with photos of any bytes."""
    reads = [(sam_v.READ, READ_HEAD + block(mark, told(mark)) + draw.randbytes(1024)) for mark in ("", "J", "I", "Y")]
    return [*GOOD.values(), *reads]


def mutated(frame: bytes, draw: random.Random) -> bytes:
    """One to three changes: bits, bytes, cuts, doubles, length, status; sometimes with the check made right again."""
    data = bytearray(frame)
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        at = draw.randrange(len(data)) if data else 0
        match draw.randrange(9):
            case 0 if data:
                data[at] ^= 1 << draw.randrange(8)
            case 1 if data:
                data[at] = draw.randrange(256)
            case 2:
                del data[at : at + draw.randrange(1, 40)]
            case 3:
                data[at:at] = draw.randbytes(draw.randrange(1, 40))
            case 4:
                del data[at:]
            case 5:
                data[at:at] = data[at : at + 30]
            case 6 if len(data) > 7:
                data[5:7] = draw.randbytes(2)
            case 7 if len(data) > 10:
                data[draw.choice((7, 8, 9))] = draw.randrange(256)
            case _ if len(data) > 20:
                data[draw.randrange(14, len(data))] = draw.randrange(256)
    if len(data) > 8 and draw.random() < 0.4:
        check = 0
        for byte in data[5:-1]:
            check ^= byte
        data[-1] = check
    return bytes(data)


def taken_rightly(data: bytes, answer: Answer, good: int) -> bool:
    """Judged on the bytes alone, without a line of the product: preamble, length, check, status."""
    at = 0
    while (at := data.find(PREAMBLE, at)) >= 0:
        length = data[at + 5] << 8 | data[at + 6] if len(data) >= at + 7 else 0
        body = data[at + 7 : at + 7 + length]
        if 4 <= length <= 4096 and len(body) == length:
            check = data[at + 5] ^ data[at + 6]
            for byte in body[:-1]:
                check ^= byte
            if check == body[-1] and body[:-1] == answer.status + answer.data and body[:3] == bytes((0, 0, good)):
                return True
        at += 1
    return False


@pytest.mark.row("I08.3")
def test_no_mutated_frame_is_taken_that_is_wrong(record_property: Callable[[str, object], None]) -> None:
    draw = random.Random(20261128)
    expected = bodies(draw)
    taken = documents = refused = 0
    for n in range(FRAMES):
        command, body = expected[n % len(expected)]
        data = mutated(framed(body), draw)
        for found in AnswerReader().feed(data):
            if not isinstance(found, Answer) or trouble(command, found) is not None:
                refused += 1
                continue
            taken += 1
            assert taken_rightly(data, found, command.good), data.hex()
            if command is sam_v.READ:
                text, photo = sam_v.text_and_photo(found)
                assert (len(text), len(photo)) == (256, 1024)
                try:
                    read = read_card_text(text)
                except PeerFault:
                    refused += 1
                    continue
                assert isinstance(read, Refused | IdentityDocument)
                documents += isinstance(read, IdentityDocument)
            elif command is sam_v.ADDRESS:
                try:
                    read_latest_address(found.data)
                except PeerFault:
                    refused += 1
    figures = f"{FRAMES} mutated frames: none taken wrongly; {taken} taken, {refused} refused, {documents} documents"
    print(figures)
    record_property("frames", figures)
    # Something of everything was met: a test in which all or nothing gets through proves nothing.
    assert FRAMES // 100 < taken < FRAMES // 2 < taken + refused + FRAMES // 2
    assert documents > FRAMES // 500 and refused > FRAMES // 10
