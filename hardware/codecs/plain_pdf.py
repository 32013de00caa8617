"""Plain pages as a PDF: lines of ASCII text in Helvetica and bitmaps, top to bottom. Enough for a test page.

Source: ISO 32000-1:2008, 7.5 (file structure), 8.9 (images), 9.6.2.2 (standard fonts).
"""

from __future__ import annotations

from collections.abc import Sequence

from hardware.ports import Bitmap

PAGE_POINTS = (595, 842)
"""A4."""
MARGIN_POINTS = 56
TEXT_POINTS = 14
LEAD_POINTS = 20
DOT_POINTS = 72 / 203
"""Bitmaps keep the size they have on a slip."""

Page = Sequence[str | Bitmap]


def plain_pdf(pages: Sequence[Page]) -> bytes:
    """Characters beyond printable ASCII become `?`; lines that do not fit on their page fall off its end."""
    objects: list[bytes] = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", _font()]
    kids: list[int] = []
    for page in pages:
        images, drawn = _page(page)
        objects += images
        named = b" ".join(b"/I%d %d 0 R" % (at, len(objects) - len(images) + at + 1) for at in range(len(images)))
        objects.append(_stream(b"", drawn))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents %d 0 R "
            b"/Resources << /Font << /F 3 0 R >> /XObject << %b >> >> >>" % (*PAGE_POINTS, len(objects), named)
        )
        kids.append(len(objects))
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%b] >>" % (len(kids), b" ".join(b"%d 0 R" % kid for kid in kids))
    return _file(objects)


def _font() -> bytes:
    return b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"


def _page(lines: Page) -> tuple[list[bytes], bytes]:
    """(images, what draws the page)."""
    images: list[bytes] = []
    drawn: list[bytes] = []
    at = PAGE_POINTS[1] - MARGIN_POINTS
    for line in lines:
        if isinstance(line, str):
            at -= LEAD_POINTS
            text = "".join(char if " " <= char <= "~" else "?" for char in line)
            text = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
            drawn.append(b"BT /F %d Tf %d %d Td (%b) Tj ET" % (TEXT_POINTS, MARGIN_POINTS, at, text.encode("ascii")))
        else:
            width, height = line.width_dots * DOT_POINTS, line.height_dots * DOT_POINTS
            at = int(at - height - (LEAD_POINTS - TEXT_POINTS))
            drawn.append(b"q %.2f 0 0 %.2f %d %d cm /I%d Do Q" % (width, height, MARGIN_POINTS, at, len(images)))
            head = b"/Type /XObject /Subtype /Image /Width %d /Height %d /ImageMask true /Decode [1 0] " % (
                line.width_dots, line.height_dots,
            )  # fmt: skip
            images.append(_stream(head, line.rows))
    return images, b"\n".join(drawn)


def _stream(head: bytes, data: bytes) -> bytes:
    return b"<< %b/Length %d >>\nstream\n%b\nendstream" % (head, len(data), data)


def _file(objects: list[bytes]) -> bytes:
    out, places = b"%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + (
        b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (len(objects) + 1, table, len(objects) + 1, len(out))
    )
