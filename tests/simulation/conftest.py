"""What the files here share: one search of a span of seeds, looked at by several tests."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from provisioning.simulator.search import Found, search
from tests.soak import SOAK, many

MILLION = int(os.environ.get("WAYSTATION_SOAK_SCHEDULES", "1000000"))
SITTING_S = float(os.environ.get("WAYSTATION_SOAK_S") or many(0, 14_400))
"""A million schedules take days; one run plays for so long, and the next goes on there."""
TOLD_EVERY = 1000


@pytest.fixture(scope="module")
def searched(request: pytest.FixtureRequest) -> Found:
    """The module's SPAN. A soak goes on where the last one ended, on every processor, and tells its rate."""
    first, beyond = request.module.SPAN
    if not SOAK or first:
        return search(first, beyond)

    def heard(seed: int, found: Found) -> None:
        if found.schedules % TOLD_EVERY == 0:
            rate = 60 * found.schedules / found.cpu_s
            sys.stderr.write(f"{found.schedules} schedules, {rate:.0f} a minute of one processor\n")

    stamps = Path(request.config.rootpath) / ".stamps"
    stamps.mkdir(exist_ok=True)
    kept, all_of_them = stamps / "soak.json", os.cpu_count() or 1
    return search(0, MILLION, processes=all_of_them, kept=kept, until_s=SITTING_S, heard=heard)
