"""What the State Council has published, by the chinesecalendar package, as the days that differ from the plain week."""

from __future__ import annotations

from datetime import date, timedelta

SOURCE = "chinesecalendar"


def differing_days(year: int) -> dict[int, int] | None:
    """{month * 100 + day: 0 rest | 1 work}; None for a year that the package does not know.

    Source: chinesecalendar, `chinese_calendar.is_workday`, which raises NotImplementedError outside its years.
    """
    import chinese_calendar

    found: dict[int, int] = {}
    on = date(year, 1, 1)
    try:
        while on.year == year:
            works = chinese_calendar.is_workday(on)
            if works != (on.weekday() < 5):
                found[on.month * 100 + on.day] = int(works)
            on += timedelta(days=1)
    except NotImplementedError:
        return None
    return found
