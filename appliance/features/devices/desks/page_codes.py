"""Which barcodes are on a page or picture that was tried: kind and length, never what they say."""

from __future__ import annotations

from collections import Counter

from appliance.features.devices.trials import CodeOnPage
from hardware.codecs.symbologies import Symbology
from hardware.drivers.picture_codes import open_picture, read_codes
from hardware.drivers.second_opinion import SecondOpinion
from sync.kernel.outcome import PeerFault

TRIED: tuple[Symbology, ...] = ("code128", "code39", "qr", "datamatrix", "pdf417")
"""What hospitals stick and print on paper of theirs; retail kinds would be phantoms."""


def codes_on(picture: bytes) -> tuple[CodeOnPage, ...] | None:
    """By kind and length; None for what no picture can be made of. Takes some tenths of a second on a page."""
    try:
        image = open_picture(picture)
    except PeerFault:
        return None
    second = SecondOpinion()
    try:
        found = Counter((code.symbology, len(code.text)) for code in read_codes(image, TRIED, second=second))
    finally:
        second.close()
    return tuple(CodeOnPage(kind, chars, count) for (kind, chars), count in sorted(found.items()))
