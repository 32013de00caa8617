"""Waiting for what runs behind a page, and reading a page's token."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from hub.boot import Hub
from sync.adapters.clock import SystemClock


def wait_for(done: Callable[[], bool], within_s: float = 90.0) -> None:
    """Poll the one thing that is awaited, and leave the processor to whoever brings it."""
    clock = SystemClock()
    deadline = clock.mono_s() + within_s
    while not done():
        assert clock.mono_s() < deadline, "it did not come"
        time.sleep(0.01)


def bring(hub: Hub, data: bytes, hint: str = "list.csv") -> str:
    """Import a file to its end; the job's id."""
    name = hub.imports.bring(data, hint, "u-clerk", go=True)
    assert isinstance(name, str), name

    def ended() -> bool:
        view = hub.imports.view(name)
        return view is not None and view.row.ended_at is not None

    wait_for(ended)
    hub.desk.settle()
    return name


def csrf_of(page: str) -> str:
    found = re.search(r'name="csrf" content="([0-9a-f]+)"', page)
    assert found is not None
    return found[1]
