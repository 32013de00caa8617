"""What a slip says, on a sheet for an office printer: PDF with its fonts inside, the same on every printer.

The words are a slip's own blocks (`sync.kernel.paper`), so whatever prints on a roll prints on a sheet as well. A
character that no font has stands as its code point in a box and is named at the foot, as everywhere on our paper.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable

from sync.kernel.paper import (
    Block,
    Code2d,
    Code128,
    Columns,
    Feed,
    Line,
    OpenDrawer,
    Rule,
    Slip,
    lacking,
    slip_texts,
)

Missing = Callable[[str], tuple[str, ...]]
"""The characters of a text that no font of this machine has."""

FONTS = "'Noto Sans CJK SC', HanaMinA, HanaMinB, 'DejaVu Sans'"
STYLE = f"""
@page {{ size: A4; margin: 18mm 20mm;
  @bottom-center {{ content: counter(page) ' / ' counter(pages); font: 9pt {FONTS} }} }}
body {{ font: 11pt/1.5 {FONTS}; font-family: {FONTS}; overflow-wrap: anywhere }}
p, figure {{ margin: 0 }}
p, figure, tr {{ break-inside: avoid }}
p.size-2 {{ font-size: 18pt }}
p.bold {{ font-weight: bold }}
.left {{ text-align: left }} .centre, figure {{ text-align: center }} .right {{ text-align: right }}
table {{ width: 100%; border-collapse: collapse }}
td {{ padding: 0; vertical-align: bottom }}
td + td {{ text-align: right; white-space: nowrap; padding-left: 4mm }}
hr {{ border: 0; border-top: 0.3mm solid black }}
img.bars {{ height: 15mm }}
.code-point {{ display: inline-block; border: 0.2mm solid black; font: 0.36em/1 'DejaVu Sans Mono';
  text-align: center; vertical-align: 0.1em; margin: 0 0.1em; width: 2.4em; white-space: pre-wrap }}
"""


def encode_sheet(slip: Slip, *, title: str, missing: Missing) -> bytes:
    """PDF pages of A4. `title` is the document's, so no person's data goes in there. Reads no file and no address."""
    import weasyprint  # reads fonts at its import
    from weasyprint.urls import URLFetcher

    named = [Line(line) for line in lacking(missing("".join(slip_texts(slip))))]
    body = "".join(_block(block, missing) for block in (*slip.blocks, *named))
    page = f"<html><head><title>{_plain(title)}</title><style>{STYLE}</style></head><body>{body}</body></html>"
    fetcher = URLFetcher(allowed_protocols=("data",))
    return bytes(weasyprint.HTML(string=page, url_fetcher=fetcher).write_pdf())


def _block(block: Block, missing: Missing) -> str:
    match block:
        case Line():
            classes = f"{block.align} size-{block.size}{' bold' if block.bold else ''}"
            return f'<p class="{classes}">{_text(block.text, missing) or "&nbsp;"}</p>'
        case Columns():
            return (
                f"<table><tr><td>{_text(block.left, missing)}</td><td>{_text(block.right, missing)}</td></tr></table>"
            )
        case Rule():
            return "<hr>"
        case Feed():
            return "<p>&nbsp;</p>" * block.lines
        case Code2d():
            return f"<figure>{_qr(block.text)}<p>{_text(block.caption, missing)}</p></figure>"
        case Code128():
            return f"<figure>{_code128(block.text)}<p>{html.escape(block.text)}</p></figure>"
        case OpenDrawer():
            return ""


def _text(text: str, missing: Missing) -> str:
    lacking = set(missing(text))
    return "".join(_boxed(char) if char in lacking else _plain(char) for char in text)


def _plain(text: str) -> str:
    """No markup, and a blank for what cannot be seen."""
    return html.escape("".join(char if char.isprintable() else " " for char in text))


def _boxed(char: str) -> str:
    digits = f"{ord(char):04X}"
    half = -(-len(digits) // 2)
    return f'<span class="code-point">{digits[:half]}\n{digits[half:]}</span>'


def _qr(text: str) -> str:
    import segno

    picture = io.BytesIO()
    segno.make(text, error="m", micro=False).save(picture, kind="svg", scale=4, border=4)
    return _image(picture.getvalue(), "qr")


def _code128(text: str) -> str:
    import zxingcpp

    drawn = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.Code128).to_svg(add_quiet_zones=True)
    return _image(drawn.encode("ascii"), "bars")


def _image(svg: bytes, kind: str) -> str:
    return f'<img class="{kind}" src="data:image/svg+xml;base64,{base64.b64encode(svg).decode("ascii")}">'
