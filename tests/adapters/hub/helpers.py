"""Waiting for what runs behind a page, and reading a page's token."""

from __future__ import annotations

import re

from hub.boot import Hub
from tests.waiting import until


def bring(hub: Hub, data: bytes, hint: str = "list.csv") -> str:
    """Import a file to its end; the job's id."""
    name = hub.imports.bring(data, hint, "u-clerk", go=True)
    assert isinstance(name, str), name

    def ended() -> bool:
        view = hub.imports.view(name)
        return view is not None and view.row.ended_at is not None

    until(ended)
    hub.desk.settle()
    return name


def csrf_of(page: str) -> str:
    found = re.search(r'name="csrf" content="([0-9a-f]+)"', page)
    assert found is not None
    return found[1]
