"""When a backup is due: at a time of day at the site, whatever its zone does."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest

from hub.backup.nightly import last_due_ms

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("now", "at", "zone", "due"),
    [
        ("2026-11-21T02:29:59", "02:30", SHANGHAI, "2026-11-20T02:30:00"),
        ("2026-11-21T02:30:00", "02:30", SHANGHAI, "2026-11-21T02:30:00"),
        ("2026-11-21T23:59:59", "02:30", SHANGHAI, "2026-11-21T02:30:00"),
        ("2026-11-21T00:00:00", "00:00", SHANGHAI, "2026-11-21T00:00:00"),
        ("2026-01-01T01:00:00", "23:15", SHANGHAI, "2025-12-31T23:15:00"),
        ("2026-03-29T12:00:00", "02:30", BERLIN, "2026-03-29T02:30:00"),  # an hour that this day does not have
        ("2026-10-25T12:00:00", "02:30", BERLIN, "2026-10-25T02:30:00"),  # and one that it has twice
    ],
)
def test_the_newest_time_at_which_one_was_due(now: str, at: str, zone: ZoneInfo, due: str) -> None:
    def ms(told: str) -> int:
        return round(datetime.fromisoformat(told).replace(tzinfo=zone).timestamp() * 1000)

    assert last_due_ms(ms(now), time.fromisoformat(at), zone) == ms(due)
