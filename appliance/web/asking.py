"""Who asks, and what a program's body says: the few lines that every view of this box begins with."""

from __future__ import annotations

from typing import Any

from flask import request

from kiosk_ui.kit.body import FieldFault, Shape, parse_json, take
from kiosk_ui.kit.port import Principal
from kiosk_ui.kit.rights import current_principal
from sync.kernel.ids import FactId, parse_fact_id

TEXT_CHARS_MAX = 200


def asker() -> Principal:
    """The signed-in person; the route has asked for a right, so there is one."""
    person = current_principal()
    assert person is not None, "a route that needs a person names a right"
    return person


def members(required: Shape, optional: Shape | None = None) -> dict[str, Any]:
    """The body's members, or a fault with its code."""
    return take(parse_json(request), required, optional)


def form_text(name: str, chars_max: int = TEXT_CHARS_MAX) -> str:
    """One field of a form without blanks at its ends; FieldFault when it is absent or longer than a person types."""
    value = request.form.get(name)
    if value is None:
        raise FieldFault("json.field-missing", name)
    if len(value) > chars_max:
        raise FieldFault("json.field-type", name)
    return value.strip()


def form_fact() -> FactId:
    return parse_fact_id(form_text("fact"))
