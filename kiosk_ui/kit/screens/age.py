"""Every value has an age: when it was true, in words, and whether that is too old for its kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from kiosk_ui.kit.screens.words import N_, FieldValue, Message

WARD_LIST_LIMIT_S = 3 * 3600
FLEET_ROW_LIMIT_S = 60
QUEUE_LIMIT_S = 15

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class AgeView:
    """`text` is None when the thing never arrived: the page shows a dash and its own sentence, never 0."""

    text: Message | None
    stale: bool
    never: bool = False


def clock(at: datetime, seconds: bool = False) -> str:
    """24-hour clock of an instant that already stands in the site's zone."""
    return at.strftime("%H:%M:%S" if seconds else "%H:%M")


def day(on: date, this_year: int | None = None) -> Message:
    """11-18, with the year in front when it is not this one."""
    fields: dict[str, FieldValue] = {
        "month": on.month,
        "day": on.day,
        "year": on.year,
        "month_name": _MONTHS[on.month - 1],
    }
    if this_year is not None and on.year != this_year:
        return Message(N_("%(year)d-%(month)02d-%(day)02d"), fields)
    return Message(N_("%(month)02d-%(day)02d"), fields)


def moment(at: datetime, now: datetime, seconds: bool = False) -> Message:
    """10:31 today, 昨天 10:31, 11-18 10:31. Both instants stand in the site's zone."""
    days = (now.date() - at.date()).days
    if days == 0:
        return Message("%(clock)s", {"clock": clock(at, seconds)})
    if days == 1:
        return Message(N_("昨天 %(clock)s"), {"clock": clock(at, seconds)})
    return Message(N_("%(date)s %(clock)s"), {"date": day(at.date(), now.year), "clock": clock(at, seconds)})


def ago(age_s: float) -> Message:
    """刚刚, 21 分钟前, 3 小时前, 2 天前; a time ahead of this clock counts as just now."""
    if age_s < 60:
        return Message(N_("刚刚"))
    if age_s < 3600:
        return Message(N_("%(n)s 分钟前"), {}, int(age_s // 60))
    if age_s < 86400:
        return Message(N_("%(n)s 小时前"), {}, int(age_s // 3600))
    return Message(N_("%(n)s 天前"), {}, int(age_s // 86400))


def as_of(at: datetime | None, now: datetime, limit_s: float, seconds: bool = False) -> AgeView:
    """截至 10:31 while fresh; 截至 07:32，3 小时前 once older than the thing's own limit."""
    if at is None:
        return AgeView(None, stale=True, never=True)
    age = now - at
    stale = age.total_seconds() > limit_s
    when = moment(at, now, seconds)
    if stale:
        text = Message(N_("截至 %(when)s，%(ago)s"), {"when": when, "ago": ago(age.total_seconds())})
        return AgeView(text, stale=True)
    return AgeView(Message(N_("截至 %(when)s"), {"when": when}), stale=False)
