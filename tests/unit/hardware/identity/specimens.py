"""Invented documents. Numbers are put together here, so that no file holds one that could be somebody's."""

from __future__ import annotations

from functools import reduce

PREAMBLE = bytes.fromhex("AAAAAA9669")
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)

# Written down a second time, as (offset, bytes) of each field, so that a slip in the product's table shows.
FIELDS = {
    "": {
        "name": (0, 30), "sex": (30, 2), "ethnic": (32, 4), "birth": (36, 16), "address": (52, 70),
        "number": (122, 36), "issuer": (158, 30), "from": (188, 16), "to": (204, 16),
    },
    "J": {
        "name": (0, 30), "sex": (30, 2), "ethnic": (32, 4), "birth": (36, 16), "address": (52, 70),
        "number": (122, 36), "issuer": (158, 30), "from": (188, 16), "to": (204, 16), "permit": (220, 18),
        "issues": (238, 4),
    },
    "I": {
        "latin": (0, 120), "sex": (120, 2), "number": (122, 30), "nationality": (152, 6), "name": (158, 30),
        "from": (188, 16), "to": (204, 16), "birth": (220, 16), "version": (236, 4), "authority": (240, 8),
    },
    "Y": {
        "name": (0, 30), "sex": (30, 2), "times": (32, 4), "birth": (36, 16), "latin": (52, 70), "number": (122, 36),
        "from": (188, 16), "to": (204, 16), "latin2": (220, 22), "nationality": (242, 6), "link": (250, 6),
    },
}  # fmt: skip


def with_check(body: str) -> str:
    """17 digits and their check character."""
    assert len(body) == 17
    return body + "10X98765432"[sum(w * int(d) for w, d in zip(WEIGHTS, body, strict=True)) % 11]


def number_for(mark: str, birth: str, serial: str = "001") -> str:
    if mark == "I":
        return "CAN110078062101"
    place = {"": "110101", "J": "810000", "Y": "932682"}[mark]
    return with_check(place + birth + serial)


def told(mark: str, **changed: str) -> dict[str, str]:
    """The fields of a document of this mark that every rule lets through."""
    birth = changed.get("birth", "19850101")
    fields = {
        "name": "欧阳静姝", "sex": "1", "birth": birth, "number": number_for(mark, birth), "from": "20200229",
        "to": "20400229",
    }  # fmt: skip
    fields |= {
        "": {"ethnic": "01", "address": "北京市东城区某街 1 号", "issuer": "某市公安局东城分局"},
        "J": {"address": "北京市东城区某街 1 号", "issuer": "某省公安厅", "permit": "H00000000", "issues": "01"},
        "I": {"latin": "DOE, JANE", "nationality": "CAN", "version": "01", "authority": "1600"},
        "Y": {"latin": "DOE, JANE", "nationality": "SAU", "times": "01", "link": "123"},
    }[mark]
    return fields | changed


def block(mark: str, fields: dict[str, str], raw_mark: str | None = None) -> bytes:
    """256 bytes of text as a chip holds them."""
    out = bytearray(" ".encode("utf-16-le") * 128)
    for field, text in fields.items():
        at, size = FIELDS[mark][field]
        raw = text.encode("utf-16-le", "surrogatepass")
        assert len(raw) <= size, field
        out[at : at + len(raw)] = raw
    out[248:250] = (raw_mark or mark or " ").encode("utf-16-le")
    return bytes(out)


def framed(body: bytes) -> bytes:
    """Bytes behind the preamble, with length and check."""
    counted = (len(body) + 1).to_bytes(2, "big") + body
    return PREAMBLE + counted + bytes([reduce(lambda a, b: a ^ b, counted)])
