"""The one-time card: what an installer scans so that a new machine finds its hub and is let in once.

On paper: a QR code of capital letters and digits, which any gun reads and a person can type. The card is bound to a
site and a role, is good for a day, and says by which key the hub's authority is known. The hub keeps only the hash of
its token.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

import segno

from sync.adapters.idgen import Entropy
from sync.kernel import canonical
from sync.kernel.outcome import PeerFault, Refused
from sync.protocol.fields import COUNT, Fields, count, raw, text

TOKEN_BYTES = 16
CARD_MS = 24 * 60 * 60 * 1000
ROLES = ("courier", "records")
SITE_PATTERN = re.compile(r"[A-Za-z0-9._-]{1,40}")
URLS_MAX = 4

_PREFIX = "WAYCARD"
_CHECK_BYTES = 3
_CHARS_MAX = 1000


@dataclass(frozen=True, slots=True)
class Card:
    """What the card tells the machine. `pin`: SHA-256 of the site authority's public key. `expires_s`: 1970 UTC.

    `suite`: by which the site signs and seals.
    """

    site: str
    role: str
    urls: tuple[str, ...]
    pin: bytes
    token: bytes
    expires_s: int
    suite: int = 1

    @property
    def token_hash(self) -> bytes:
        return hash_of(self.token)


@dataclass(frozen=True, slots=True)
class CardRow:
    """What the hub keeps of a card. `used_by`: the node it became; `answer`: what that node was told, for a repeat.

    `name` and `wards` are what the machine will be called and which wards' lists it carries.
    """

    token_hash: bytes
    site: str
    role: str
    name: str
    wards: tuple[str, ...]
    made_ms: int
    expires_ms: int
    withdrawn: bool = False
    used_by: str | None = None
    used_digest: bytes | None = None
    answer: bytes | None = None


def hash_of(token: bytes) -> bytes:
    """By which the hub knows a token."""
    return hashlib.sha256(b"way/1 card\0" + token).digest()


def make_card(
    *,
    site: str,
    role: str,
    name: str,
    wards: tuple[str, ...],
    urls: tuple[str, ...],
    pin: bytes,
    now_ms: int,
    entropy: Entropy,
    suite: int = 1,
) -> tuple[Card, CardRow] | Refused:
    """A fresh card, and the row that the hub stores. Refused `card.role`, `card.site` or `card.urls`."""
    if role not in ROLES:
        return Refused("card.role", {"role": role})
    if not SITE_PATTERN.fullmatch(site):
        return Refused("card.site")
    if not 1 <= len(urls) <= URLS_MAX or not all(map(may_carry_token, urls)):
        return Refused("card.urls")
    expires_ms = now_ms + CARD_MS
    card = Card(site, role, urls, pin, entropy.bytes(TOKEN_BYTES), expires_ms // 1000, suite)
    return card, CardRow(card.token_hash, site, role, name, tuple(wards), now_ms, expires_ms)


def may_carry_token(url: str) -> bool:
    """https anywhere; plain http only to this same machine, since the token travels in the request."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    if not host or len(url) > 200 or not url.isascii() or parts.query or parts.fragment or parts.username:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in ("127.0.0.1", "localhost", "::1"))


def card_text(card: Card) -> str:
    """The card as letters A-Z and digits 2-7, with a check sum: about 200 characters for one address."""
    said = {1: card.site, 2: card.role, 3: list(card.urls), 4: card.pin, 5: card.token, 6: card.expires_s}
    body = canonical.encode(said if card.suite == 1 else said | {7: card.suite})
    check = hashlib.sha256(body).digest()[:_CHECK_BYTES]
    return _PREFIX + base64.b32encode(check + body).decode().rstrip("=")


def read_card(scanned: str) -> Card | Refused:
    """Back from text; case, blanks and hyphens do not matter. Refused `card.unreadable` or `card.urls`."""
    letters = re.sub(r"[\s-]", "", scanned[: 2 * _CHARS_MAX]).upper()
    if not letters.startswith(_PREFIX) or len(letters) > _CHARS_MAX or not letters.isascii():
        return Refused("card.unreadable")
    coded = letters.removeprefix(_PREFIX)
    try:
        data = base64.b32decode(coded + "=" * (-len(coded) % 8))
        check, body = data[:_CHECK_BYTES], data[_CHECK_BYTES:]
        # The last letter carries bits that no byte takes: several letters would read the same.
        if base64.b32encode(data).decode().rstrip("=") != coded:
            return Refused("card.unreadable")
        if hashlib.sha256(body).digest()[:_CHECK_BYTES] != check:
            return Refused("card.unreadable")
        fields = Fields(canonical.decode(body), "card")
        card = Card(
            site=fields.one(1, text(40)),
            role=fields.one(2, text(16)),
            urls=fields.values(3, text(200), most=URLS_MAX),
            pin=fields.one(4, raw(32)),
            token=fields.one(5, raw(TOKEN_BYTES)),
            expires_s=fields.one(6, COUNT),
            suite=fields.one(7, count(255, least=1), 1),
        )
    except (binascii.Error, PeerFault):
        return Refused("card.unreadable")
    if not card.urls or not all(map(may_carry_token, card.urls)):
        return Refused("card.urls")
    return card


def card_png(card: Card, *, scale: int = 6) -> bytes:
    """The card's QR code as PNG; `scale` pixels a module, quiet zone included."""
    out = io.BytesIO()
    segno.make_qr(card_text(card), error="m").save(out, kind="png", scale=scale, border=4)
    return out.getvalue()


def card_terminal(card: Card) -> str:
    """The card's QR code in half blocks, for a terminal with a dark ground."""
    out = io.StringIO()
    segno.make_qr(card_text(card), error="l").terminal(out, border=2, compact=True)
    return out.getvalue()
