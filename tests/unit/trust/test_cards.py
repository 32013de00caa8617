from __future__ import annotations

import io
from dataclasses import replace

import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from provisioning.trust.cards import CARD_MS, Card, card_png, card_terminal, card_text, make_card, read_card
from sync.adapters.idgen import SeededEntropy
from sync.kernel.outcome import Refused

NOW_MS = 1_795_248_000_000
PIN = bytes(range(32))


def made(url: str = "https://hub.example:8443", **changes: object) -> tuple[Card, object] | Refused:
    wanted = {"site": "demo", "role": "courier", "name": "Courier 1", "wards": ("W12",), "urls": (url,)} | changes
    return make_card(**wanted, pin=PIN, now_ms=NOW_MS, entropy=SeededEntropy(1))  # type: ignore[arg-type]


def card() -> Card:
    pair = made()
    assert not isinstance(pair, Refused)
    return pair[0]


def test_the_hub_keeps_the_hash_and_not_the_token() -> None:
    pair = made()
    assert not isinstance(pair, Refused)
    one, row = pair
    assert row.token_hash == one.token_hash
    assert one.token not in repr(row).encode("latin-1", "replace")
    assert repr(one.token)[2:-1] not in repr(row)
    assert row.expires_ms == NOW_MS + CARD_MS
    assert made(role="hub") == Refused("card.role", {"role": "hub"})
    assert made(site="a b") == Refused("card.site")


def test_text_is_what_a_gun_reads_and_comes_back() -> None:
    text = card_text(card())
    assert len(text) < 260
    assert text.isalnum()
    assert text == text.upper()
    assert read_card(text) == card()
    assert read_card(f"  {text[:40]}-{text[40:].lower()}\r\n") == card()


def test_the_picture_is_read_by_a_decoder() -> None:
    (found,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(card_png(card()))))
    assert read_card(found.text) == card()
    assert card_terminal(card()).count("\n") > 20


@pytest.mark.parametrize(
    "url", ["http://hub.example", "ftp://hub.example", "https://", "https://a@b", "https://a?b", "x"]
)
def test_an_address_that_would_leak_the_token_is_refused(url: str) -> None:
    assert made(url) == Refused("card.urls")
    assert read_card(card_text(replace(card(), urls=(url,)))) == Refused("card.urls")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost", "https://10.0.0.1:8443/hub"])
def test_addresses_that_are_fine(url: str) -> None:
    assert not isinstance(made(url), Refused)


@given(at=st.integers(0, 190), letter=st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
def test_a_misread_letter_is_noticed(at: int, letter: str) -> None:
    text = card_text(card())
    wrong = text[:at] + letter + text[at + 1 :]
    assert read_card(wrong) == (card() if wrong == text else Refused("card.unreadable"))


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    for scanned in (text, "WAYCARD" + text):
        assert isinstance(read_card(scanned), Refused)
