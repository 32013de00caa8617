"""Plain pages as a PDF: lines of ASCII text in Helvetica, top to bottom, made in no time.

Source: ISO 32000-1:2008, 7.5 (file structure), 9.6.2.2 (standard fonts).
"""

from collections.abc import Sequence

PAGE_POINTS = (595, 842)
"""A4."""
MARGIN_POINTS = 56
TEXT_POINTS = 14
LEAD_POINTS = 20


def plain_pdf(pages: Sequence[Sequence[str]]) -> bytes:
    """Characters beyond printable ASCII become `?`; lines that do not fit on their page fall off its end."""
    objects: list[bytes] = [
        b"<< /Type /Catalog /Pages 2 0 R >>", b"", b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]  # fmt: skip
    kids: list[int] = []
    for page in pages:
        drawn = _page(page)
        objects.append(b"<< /Length %d >>\nstream\n%b\nendstream" % (len(drawn), drawn))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents %d 0 R "
            b"/Resources << /Font << /F 3 0 R >> >> >>" % (*PAGE_POINTS, len(objects))
        )
        kids.append(len(objects))
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%b] >>" % (len(kids), b" ".join(b"%d 0 R" % kid for kid in kids))
    return _file(objects)


def _page(lines: Sequence[str]) -> bytes:
    drawn: list[bytes] = []
    for n, line in enumerate(lines, 1):
        text = "".join(char if " " <= char <= "~" else "?" for char in line)
        text = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        at = PAGE_POINTS[1] - MARGIN_POINTS - n * LEAD_POINTS
        drawn.append(b"BT /F %d Tf %d %d Td (%b) Tj ET" % (TEXT_POINTS, MARGIN_POINTS, at, text.encode("ascii")))
    return b"\n".join(drawn)


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
