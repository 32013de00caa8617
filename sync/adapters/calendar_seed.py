"""The published holidays and make-up days of a year, from the chinesecalendar package.

Source: notices of the State Council's General Office, as chinesecalendar carries them. A year that is not published
yet has none.
"""

from __future__ import annotations

import datetime

SOURCE = "chinesecalendar"
_SATURDAY = 5


def published_days(year: int) -> dict[int, int] | None:
    """Days that differ from the plain week, {month * 100 + day: 0 rest | 1 work}; None for a year not published."""
    import chinese_calendar

    days: dict[int, int] = {}
    on = datetime.date(year, 1, 1)
    while on.year == year:
        try:
            working = bool(chinese_calendar.is_workday(on))
        except NotImplementedError:
            return None
        if working != (on.weekday() < _SATURDAY):
            days[on.month * 100 + on.day] = int(working)
        on += datetime.timedelta(days=1)
    return days
