"""Devices and papers in people's words: what is wrong, what is safe, what hands can do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from appliance.features.devices.desks.pedals import Presses
from appliance.features.devices.trial_screens import TrialRow
from appliance.store.print_jobs import PaperJob
from appliance.store.room import Away
from appliance.store.site import WardRow
from hardware.codecs.document_trail import decode
from hardware.drivers.heard import Heard
from hardware.ports import DeviceView
from kiosk_ui.kit.screens.age import ago
from kiosk_ui.kit.screens.devices import DeviceWords, device_words
from kiosk_ui.kit.screens.papers import HANDED_OVER, doubt
from kiosk_ui.kit.screens.words import N_, FieldValue, Message
from sync.protocol.room import BLOBS


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device on its page. `heard` of a gun alone; `paired`: its place is from a pairing, not from the settings."""

    view: DeviceView
    words: DeviceWords
    heard: Heard | None
    paired: bool
    heard_age_s: float | None = None
    last: Message | None = None
    ago: Message | None = None
    try_act: Message | None = None
    trial: TrialRow | None = None


def device_row(view: DeviceView, heard: Heard | None, paired: bool, now_s: float) -> DeviceRow:
    age_s = None if heard is None or heard.at_mono_s is None else max(0.0, round(now_s - heard.at_mono_s, 1))
    return DeviceRow(view, view_words(view), heard, paired, age_s, _last(heard), None if age_s is None else ago(age_s))


def _last(heard: Heard | None) -> Message | None:
    """What a gun said last, without what it read."""
    if heard is None:
        return None
    if heard.at_mono_s is None:
        return Message(N_("还没扫过；扫任意一个码试一试"))
    if heard.last_trouble:
        return Message(N_("上一下没有读成，再扫一次"))
    if heard.last_gs1.startswith("gs1.separators"):
        return Message(N_("扫到 %(n)s 位 GS1 码，但枪好像丢了分隔符：请把枪设成发送 FNC1"), {"n": heard.last_chars})
    if not heard.last_terminated:
        return Message(N_("扫到 %(n)s 位，但结尾没有回车：请把枪设成扫完加回车"), {"n": heard.last_chars})
    return Message(N_("扫到 %(n)s 位"), {"n": heard.last_chars})


def pressed_words(presses: Presses, now_s: float) -> Message:
    """A foot switch shows that it works by being pressed."""
    if not presses.count:
        return Message(N_("还没踩过；踩一下试一试"))
    told: dict[str, FieldValue] = {"n": presses.count, "ago": ago(max(0.0, now_s - presses.last_mono_s))}
    return Message(N_("踩到了，一共 %(n)s 次 · %(ago)s"), told)


def view_words(view: DeviceView) -> DeviceWords:
    return device_words(view.role, view.name, view.state, view.reason)


def printer_words(views: Iterable[DeviceView], name: str) -> Message:
    """One line about a printer, for pages whose business is not the printer."""
    found = next((view for view in views if view.name == name), None)
    if found is None:
        return Message(N_("没有接%(device)s"), {"device": device_words("printer", name, "", "").label})
    words = view_words(found)
    return Message(N_("%(device)s：%(said)s"), {"device": words.label, "said": words.state})


_PAPERS = {"receipt": N_("交接回执"), "label": N_("封面标签"), "trial": N_("测试页"), "document": N_("文件")}
_PAPER_STATES = {
    "queued": (N_("排着队"), "held"),
    "sent": (N_("正在打"), "held"),
    "confirmed": (N_("打好了"), "tick"),
    "failed": (N_("没有打出来"), "off"),
    "uncertain": (N_("说不准打没打出来"), "person"),
}
_PAGES = {"queued": N_("%(all)s 面"), "uncertain": N_("肯定出来 %(out)s / %(all)s 面")}
_GIVEN = N_("交给打印机了，它不会回话")
_DECIDED = {
    "person:again": N_("按没打出来算，已重打"),
    "person:rest": N_("接着打了没出来的"),
    "person:printed": N_("看过了，打出来了"),
}


@dataclass(frozen=True, slots=True)
class PaperWords:
    """`why` of doubts alone, `pages` and `some_out` of documents: that one can go on where it stopped."""

    printer: Message
    what: Message
    state: Message
    tone: str
    copy: Message | None
    pages: Message | None = None
    why: Message | None = None
    some_out: bool = False


def papers_at(views: Iterable[DeviceView]) -> Callable[[PaperJob], PaperWords]:
    """Words for papers as their printers are now."""
    by_name = {view.name: view for view in views}
    return lambda job: paper_words(job, by_name.get(job.printer))


def paper_words(job: PaperJob, printer: DeviceView | None = None) -> PaperWords:
    """`printer` is how its printer is: what waits says what for."""
    state, tone = _PAPER_STATES[job.state]
    if job.state == "confirmed" and job.reason == HANDED_OVER:
        state = _GIVEN
    state = _DECIDED.get(job.reason, state)
    said: dict[str, FieldValue] = {}
    if printer is not None and job.state in ("queued", "sent") and (words := view_words(printer)).steps:
        state, tone, said = N_("等着：%(said)s"), "person", {"said": words.state}
    copy = Message(N_("补打第 %(copy)s 次"), {"copy": job.copy_no}) if job.copy_no else None
    at = device_words("printer", job.printer, "", "").label
    what = Message(_PAPERS.get(job.what, N_("纸")))
    why = doubt(job.reason) if job.state == "uncertain" else None
    if not job.sides:
        return PaperWords(at, what, Message(state, said), tone, copy, None, why)
    out = sides_out(job)
    pages = Message(_PAGES.get(job.state, N_("出来 %(out)s / %(all)s 面")), {"out": out, "all": job.sides})
    return PaperWords(at, what, Message(state, said), tone, copy, pages, why, 0 < out < job.sides)


def sides_out(job: PaperJob) -> int:
    """How many sides of a document surely came out."""
    return min(job.sides, job.sides if job.state == "confirmed" else decode(job.trail).surely_out)


def row_data(row: DeviceRow) -> dict[str, Any]:
    """A device for programs; of what a gun read no more than its length."""
    view, heard = row.view, row.heard
    told: dict[str, Any] = {
        "role": view.role,
        "name": view.name,
        "state": view.state,
        "reason": view.reason,
        "paired": row.paired,
    }
    if heard is not None:
        told["heard"] = {
            "scans": heard.scans,
            "troubles": heard.troubles,
            "last_chars": heard.last_chars,
            "last_symbology": heard.last_symbology,
            "last_terminated": heard.last_terminated,
            "last_trouble": heard.last_trouble,
            "last_gs1": heard.last_gs1,
            "age_s": row.heard_age_s,
        }
    return told


def job_data(job: PaperJob) -> dict[str, Any]:
    """A paper without what is on it; a label's record is not told."""
    told: dict[str, Any] = {
        "job": job.job_id,
        "printer": job.printer,
        "what": job.what,
        "round": job.ref if job.what == "receipt" else None,
        "copy_no": job.copy_no,
        "state": job.state,
        "reason": job.reason,
        "created_at_ms": job.created_at_ms,
    }
    if job.sides:
        told |= {"sides": job.sides, "sides_out": sides_out(job), "sides_counted": decode(job.trail).counted}
    return told


_LISTS = {
    "site": N_("病区、节假日和期限"),
    "site:people": N_("工作人员和权限"),
    "site:stays": N_("全院的住院名单"),
    "room:records": N_("病案室的交接"),
    BLOBS: N_("中心已经收下的图像"),
}
_LIST_ELSE = N_("另一份名单")


def list_words(label: str, ward: WardRow | None) -> Message | WardRow:
    """What a feed brings to this box, by name; a ward by the site's name for it."""
    return ward or Message(_LISTS.get(label, _LIST_ELSE))


def away_words(away: Iterable[Away]) -> list[Message | WardRow]:
    """What had to make room."""
    return [list_words(one.name, one.ward) for one in away]
