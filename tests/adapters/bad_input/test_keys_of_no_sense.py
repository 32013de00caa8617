"""What a gun that types may send wrong, as the kernel hands it on: no record is taken, the next good scan is."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

from hardware.codecs.keymap import EV_KEY, EV_SYN, INPUT_EVENT, KEY_ENTER, SYN_DROPPED, SYN_REPORT, US_KEYS
from hardware.drivers.gun import KeyBytes
from hardware.ports import Scan
from provisioning.bench import box as made
from tests.adapters.bad_input.conftest import Served
from tests.adapters.bad_input.hostile import SCANS
from tests.adapters.bad_input.test_every_route import facts_of

SHIFT, CTRL, ALT, KP_1 = 42, 29, 56, 79
_KEY_OF = {chr(plain): (code, False) for code, (plain, _) in reversed(US_KEYS.items())} | {
    chr(shifted): (code, True) for code, (plain, shifted) in reversed(US_KEYS.items()) if shifted != plain
}


def event(type: int, code: int, value: int) -> bytes:
    return INPUT_EVENT.pack(0, 0, type, code, value)


def press(*codes: int) -> bytes:
    """Down in order, up in the other."""
    down = [event(EV_KEY, code, 1) for code in codes]
    up = [event(EV_KEY, code, 0) for code in reversed(codes)]
    return b"".join([*down, *up, event(EV_SYN, SYN_REPORT, 0)])


def typed(text: str, end: bool = True) -> bytes:
    keys = (_KEY_OF[char] for char in text if char in _KEY_OF)
    said = b"".join(press(SHIFT, code) if shifted else press(code) for code, shifted in keys)
    return said + press(KEY_ENTER) * end


def streams() -> dict[str, bytes]:
    rng = random.Random(7)
    number = made.record_no(1)
    kinds = {
        "noise": rng.randbytes(24 * 500),
        "zeros": bytes(24 * 500),
        "ones": b"\xff" * 24 * 500,
        "part of a struct": event(EV_KEY, 2, 1)[:23] + b"\0",
        "keys of nobody": b"".join(press(code) for code in (0, 119, 255, 511, 767, 65535)),
        "values of nobody": b"".join(event(EV_KEY, 2, value) for value in (2, 3, -1, 2**31 - 1, -(2**31))),
        "types of nobody": b"".join(event(type, 2, 1) for type in (2, 3, 4, 17, 31, 65535)),
        "ups without downs": b"".join(event(EV_KEY, code, 0) for code in range(256)),
        "enter alone": press(KEY_ENTER) * 500,
        "an endless reading": typed("9" * 6000, end=False),
        "an endless reading with an end": typed("9" * 6000),
        "held shift": event(EV_KEY, SHIFT, 1) + typed(number) + event(EV_KEY, SHIFT, 0),
        "held control": event(EV_KEY, CTRL, 1) + typed(number) + event(EV_KEY, CTRL, 0),
        "held alt": event(EV_KEY, ALT, 1) + typed(number) + event(EV_KEY, ALT, 0),
        "alt and a number beyond": event(EV_KEY, ALT, 1) + press(KP_1) * 9 + event(EV_KEY, ALT, 0) + typed(number),
        "alt and half a number": event(EV_KEY, ALT, 1) + press(KP_1) + event(EV_KEY, ALT, 0) + typed(number),
        "lost in the middle": typed(number, end=False) + event(EV_SYN, SYN_DROPPED, 0) + typed(number),
        "lost and never found": event(EV_SYN, SYN_DROPPED, 0) * 50,
    }
    kinds |= {f"scan {n}": typed(raw.decode("latin-1")[:6000]) for n, raw in enumerate(SCANS)}
    return kinds


def pieces(data: bytes, rng: random.Random) -> Iterable[bytes]:
    while data:
        n = rng.choice((1, 7, 24, 4096))
        yield data[:n]
        data = data[n:]


@pytest.mark.row("A05.10")
def test_no_key_event_takes_a_record_by_mistake(courier: Served) -> None:
    box, rng = courier.parts, random.Random(11)
    courier.sign_in()
    heard = 0
    before, tallied = facts_of(courier), None
    kinds = streams()
    now_s = 0.0
    for name, data in kinds.items():
        gun = KeyBytes("gun-1", 0.08)
        found = [one for piece in pieces(data, rng) for one in gun.feed(piece, now_s)]
        now_s += 10.0
        for one in [*found, *gun.tick(now_s)]:
            heard += 1
            if isinstance(one, Scan):
                box.take(one.text, one.device)
            else:
                box._trouble(one)
        assert facts_of(courier) == before, name
    with box.store.read() as conn:
        tallied = conn.execute("SELECT sum(n) FROM tally").fetchone()[0]
    assert heard >= 30 and tallied >= heard // 3
    for one in KeyBytes("gun-1", 0.08).feed(typed(made.record_no(3)), now_s):
        assert isinstance(one, Scan)
        box.take(one.text, one.device)
    assert facts_of(courier) > before, "the next good scan is taken"
