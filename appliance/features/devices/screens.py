"""Devices and papers in people's words: what is wrong, what is safe, what hands can do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from appliance.store.print_jobs import PaperJob
from hardware.ports import DeviceView
from kiosk_ui.kit.screens.words import N_, Message

WORKING = ("ready", "busy")


@dataclass(frozen=True, slots=True)
class DeviceWords:
    """One row of the device page; `steps` and what follows only where hands are needed. `tone` is a custody glyph."""

    icon: str
    name: str
    label: Message
    tone: str
    state: Message
    headline: Message | None = None
    kept: Message | None = None
    affected: Message | None = None
    steps: tuple[Message, ...] = ()
    detail: str = ""


_ICONS = {"gun": "scan-barcode", "printer": "printer"}
_NAMES = {"receipt-printer": N_("回执机"), "label-printer": N_("标签机")}
_STATES = {
    "ready": N_("正常"),
    "busy": N_("正在打"),
    "opening": N_("正在连"),
    "absent": N_("没有插好"),
    "lost": N_("断开了"),
    "attention": N_("要人看一下"),
    "disabled": N_("停用了"),
}
_REASONS = {
    "paper-out": N_("没纸了"),
    "cover-open": N_("盖子开着"),
    "head-open": N_("打印头没扣好"),
    "ribbon-out": N_("碳带用完了"),
    "paused": N_("按了暂停"),
    "cutter": N_("切刀卡住了"),
    "offline": N_("被关成离线了"),
    "gone": N_("断开了"),
    "silent": N_("没有回音"),
    "error": N_("报了故障"),
}
_STEPS: dict[str, tuple[str, ...]] = {
    "paper-out": (N_("打开机盖，换一卷新纸"), N_("合上盖，听到咔一声"), N_("不用点任何键，它自己接着打")),
    "cover-open": (N_("把盖子合上，听到咔一声"), N_("不用点任何键，它自己接着打")),
    "head-open": (N_("把打印头压下去扣好"), N_("不用点任何键，它自己接着打")),
    "ribbon-out": (N_("换一卷碳带"), N_("不用点任何键，它自己接着打")),
    "paused": (N_("按一下打印机上的暂停键"), N_("不用点任何键，它自己接着打")),
    "cutter": (N_("关掉电源，取出卡住的纸"), N_("开电源，它自己接着打")),
}
_UNPLUGGED = (N_("看电源灯亮不亮，把线插紧"), N_("关掉再开一次"), N_("不用点任何键，它自己连上"))


def device_words(view: DeviceView) -> DeviceWords:
    """A device as its row and, where a person has to act, its card."""
    label = Message(_NAMES.get(view.name, "%(name)s"), {} if view.name in _NAMES else {"name": view.name})
    icon = _ICONS.get(view.role, "usb")
    reason = view.reason if view.reason in _REASONS else ""
    if view.state in WORKING and not reason:
        return DeviceWords(icon, view.name, label, "tick", Message(_STATES[view.state]))
    if view.state in ("opening", "disabled") or (view.state == "absent" and view.reason == "not-tried"):
        return DeviceWords(icon, view.name, label, "off", Message(_STATES[view.state]))
    said = Message(_REASONS[reason] if reason else _STATES[view.state])
    steps = _STEPS.get(reason, _UNPLUGGED)
    printer = view.role == "printer"
    return DeviceWords(
        icon,
        view.name,
        label,
        "person",
        said,
        Message(N_("%(device)s%(said)s"), {"device": label, "said": said}),
        Message(N_("要打的都排着队，不会丢，也不会重打。") if printer else N_("已收下的都存在本机，一份没少。")),
        Message(
            N_("纸要等它好了才出来。收病案照常。") if printer else N_("这把枪扫不了，可以换一把枪，或者手工输入。")
        ),
        tuple(Message(step) for step in steps),
        f"{view.state} {view.reason}".strip(),
    )


def printer_words(views: Iterable[DeviceView], name: str) -> Message:
    """One line about a printer, for pages whose business is not the printer."""
    found = next((view for view in views if view.name == name), None)
    label = Message(_NAMES[name])
    if found is None:
        return Message(N_("没有接%(device)s"), {"device": label})
    words = device_words(found)
    return Message(N_("%(device)s：%(said)s"), {"device": label, "said": words.state})


_PAPERS = {"receipt": N_("交接回执"), "label": N_("封面标签")}
_PAPER_STATES = {
    "queued": (N_("排着队"), "held"),
    "sent": (N_("正在打"), "held"),
    "confirmed": (N_("打好了"), "tick"),
    "failed": (N_("没有打出来"), "off"),
    "uncertain": (N_("说不准打没打出来"), "person"),
}


@dataclass(frozen=True, slots=True)
class PaperWords:
    what: Message
    state: Message
    tone: str
    copy: Message | None


def paper_words(job: PaperJob) -> PaperWords:
    state, tone = _PAPER_STATES[job.state]
    if job.reason == "person:again":
        state = N_("按没打出来算，已重打")
    elif job.reason == "person:printed":
        state = N_("看过了，打出来了")
    copy = Message(N_("补打第 %(copy)s 次"), {"copy": job.copy_no}) if job.copy_no else None
    return PaperWords(Message(_PAPERS.get(job.what, N_("纸"))), Message(state), tone, copy)


def device_data(view: DeviceView) -> dict[str, Any]:
    return {"role": view.role, "name": view.name, "state": view.state, "reason": view.reason}


def job_data(job: PaperJob) -> dict[str, Any]:
    """A paper without what is on it; a label's record is not told."""
    return {
        "job": job.job_id,
        "printer": job.printer,
        "what": job.what,
        "round": job.ref if job.what == "receipt" else None,
        "copy_no": job.copy_no,
        "state": job.state,
        "reason": job.reason,
        "created_at_ms": job.created_at_ms,
    }
