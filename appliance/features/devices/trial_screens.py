"""A trial in people's words: what is asked of them, what came, and what to do where nothing did."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from appliance.features.devices.trials import OPEN, Kind, Trial
from hardware.ports import DeviceView
from kiosk_ui.kit.screens.devices import steps, why
from kiosk_ui.kit.screens.words import N_, Message

ACTS: dict[Kind, str] = {
    "page": N_("试扫一页"),
    "still": N_("拍一张试试"),
    "sentence": N_("试音"),
    "signature": N_("试签一次"),
    "look": N_("试看一次"),
    "press": N_("踩一下试试"),
    "card": N_("试读一张证"),
}
_RUNNING: dict[Kind, str] = {
    "page": N_("正在扫一页"),
    "still": N_("正在拍一张"),
    "sentence": N_("正在念试音的一句，听一听"),
    "signature": N_("请在屏上随便写一笔"),
    "look": N_("请对着它看一下"),
    "press": N_("请踩一下"),
    "card": N_("请把一张证放上去"),
}
_DONE: dict[Kind, str] = {
    "page": N_("扫到一页，%(size)s"),
    "still": N_("拍到一张，%(size)s"),
    "sentence": N_("念完了。没有听到，就看看喇叭的电源和音量"),
    "signature": N_("有回音：收到一笔签名，%(size)s，没有留下"),
    "look": N_("有回音：看过了，什么都没有留下"),
    "press": N_("踩到了"),
    "card": N_("读到了，什么都没有留下"),
}
_SYMBOLOGIES = {
    "code128": "Code 128",
    "code39": "Code 39",
    "datamatrix": "Data Matrix",
    "pdf417": "PDF417",
    "qr": "QR",
}
_WHY = {
    "answer": N_("它的回答读不懂"),
    "cancelled-there": N_("有人在设备上停了"),
    "deadline": N_("等到最后也没有人"),
    "failed": N_("它说没有做成"),
    "refused": N_("证读到了，内容对不上，没有收下"),
    "no-answer": N_("一直没有等到"),
    "result": N_("它的回答里没有结果"),
    "state": N_("它说的状态不认识"),
    "status": N_("它的服务报了错"),
}
"""Ends that a device page has no word for, as they are no state of a device."""


@dataclass(frozen=True, slots=True)
class TrialRow:
    """`mine`: asked for by who looks; only they see the `picture`. `step` where hands can do something.

    `tone` is a custody glyph, empty while nothing is known yet.
    """

    n: int
    said: Message
    running: bool
    tone: str
    mine: bool
    percent: int | None = None
    picture: bool = False
    step: Message | None = None
    codes: tuple[Message, ...] | None = None


def try_act(view: DeviceView, kind: Kind | None) -> Message | None:
    """What trying this device is called; None where it cannot be tried now."""
    return Message(ACTS[kind]) if kind is not None and view.state in OPEN else None


def trial_row(trial: Trial | None, role: str, who: str) -> TrialRow | None:
    """How a trial looks to `who`. An ended one is shown to its person alone."""
    if trial is None:
        return None
    mine = trial.owner == who
    if trial.state == "running":
        said = Message(_RUNNING[trial.kind]) if mine else Message(N_("有人正在试它"))
        return TrialRow(trial.n, said, True, "", mine, trial.percent)
    if not mine:
        return None
    if trial.state == "stopped":
        return TrialRow(trial.n, Message(N_("停下了，什么都没有留下")), False, "", mine)
    if trial.state == "failed":
        return TrialRow(trial.n, failed(trial.reason), False, "person", mine, step=_step(role, trial.reason))
    shown = trial.media_type in ("image/png", "image/jpeg")
    said = Message(_DONE[trial.kind], {"size": size(trial)})
    step = None if shown or not trial.media_type else Message(N_("这种格式在这里显示不了"))
    return TrialRow(trial.n, said, False, "tick", mine, picture=shown, step=step, codes=_codes(trial))


def _codes(trial: Trial) -> tuple[Message, ...] | None:
    """Kind and length of what was read on it, which proves that it can be read; None where nobody looked."""
    if trial.codes is None:
        return None
    return tuple(
        Message(N_("%(kind)s，%(n)s 位") if one.count == 1 else N_("%(kind)s，%(n)s 位，%(count)s 个"),
                {"kind": _SYMBOLOGIES.get(one.symbology, one.symbology), "n": one.chars, "count": one.count})
        for one in trial.codes
    )  # fmt: skip


def failed(reason: str) -> Message:
    known = Message(_WHY[reason]) if reason in _WHY else why(reason)
    return Message(N_("没有试成：%(why)s"), {"why": known or Message(N_("它报了故障"))})


def _step(role: str, reason: str) -> Message | None:
    found = steps(role, reason) if why(reason) is not None else ()
    return found[0] if found else None


def size(trial: Trial) -> Message:
    """Of a page or picture how large it is; of anything else how many bytes came."""
    if trial.dots is None:
        return Message(N_("%(n)s KB"), {"n": f"{max(1, round(trial.size_bytes / 1024)):,}"})
    wide, high = trial.dots
    told = {"wide": f"{wide:,}", "high": f"{high:,}", "n": f"{max(1, round(trial.size_bytes / 1024)):,}"}
    return Message(N_("%(wide)s × %(high)s 点，%(n)s KB"), dict(told))


def trial_data(trial: Trial) -> dict[str, Any]:
    """For programs: the picture stays out."""
    return {
        "name": trial.device,
        "kind": trial.kind,
        "state": trial.state,
        "reason": trial.reason,
        "percent": trial.percent,
        "size_bytes": trial.size_bytes,
        "dots": trial.dots,
        "media_type": trial.media_type,
        "codes": None if trial.codes is None else [asdict(one) for one in trial.codes],
    }
