"""What comes in through barcodes and names goes out as text, in every component."""

from __future__ import annotations

import pytest
from flask import Flask, render_template_string

EVIL = "<img src=x onerror=alert(1)>\"'{{7*7}}"

PARTS = {
    "scan": "k.scan_panel('good', evil, evil, evil, evil, none, evil, evil)",
    "row": "k.row(evil, evil, evil, 'held', evil, evil)",
    "number": "k.big_number(evil, 3, evil)",
    "anomaly": "k.anomaly(evil, evil, evil, [(evil, [evil])], evil, 0, evil)",
    "confirm": "k.confirm(evil, evil, evil, evil, evil, evil, {evil: evil})",
    "trouble": "k.trouble(evil, evil, evil, evil, [evil], evil)",
    "device": "k.device_row('printer', evil, 'tick', evil, evil)",
    "journey": "k.journey([{'title': evil, 'at': evil, 'known': evil, 'state': 'now'}], evil)",
    "button": "k.button(evil, name=evil, value=evil, key=evil, attrs={'data-x': evil})",
    "link": "k.link_button(evil, '/x?' ~ evil)",
    "field": "k.field(evil, evil, evil, error=evil)",
    "search": "k.search(evil, value=evil)",
    "table": "k.table([(evil, '')], [[evil]], evil, 1, [evil])",
    "bars": "k.bar_chart(evil, [(evil, 5, evil)], 10, (5, evil))",
    "lines": "k.line_chart(evil, [evil], [(evil, [5])], 10)",
    "chip": "k.chip('ack', evil)",
    "empty": "k.empty(evil, evil)",
    "choices": "k.choices(evil, evil, [(evil, evil, evil)], evil)",
}


@pytest.mark.parametrize("part", sorted(PARTS))
def test_a_component_lets_no_markup_through(app: Flask, part: str) -> None:
    with app.test_request_context():
        source = '{% import "kit/macros.html" as k with context %}{{ ' + PARTS[part] + " }}"
        html = render_template_string(source, evil=EVIL)
    assert "<img" not in html and "onerror=alert(1)>" not in html and ">49" not in html
    assert "&lt;img" in html.replace("\u00a0", "")


def test_a_style_attribute_is_never_written(app: Flask) -> None:
    with app.test_request_context():
        for part in PARTS.values():
            source = '{% import "kit/macros.html" as k with context %}{{ ' + part + " }}"
            assert " style=" not in render_template_string(source, evil="x")
