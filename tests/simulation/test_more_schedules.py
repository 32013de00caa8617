"""The second half of the schedules: see `test_schedules`."""

from __future__ import annotations

import pytest

from provisioning.simulator.search import Found, told

SPAN = (120, 220)


@pytest.mark.row("F14.5")
def test_no_schedule_breaks_an_invariant(searched: Found) -> None:
    assert searched.breach is None, told(searched.smallest or searched.breach)
    assert searched.schedules == SPAN[1] - SPAN[0]
