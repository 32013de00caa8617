"""What the line strip says, from what the machine heard and when.

A machine never says that the centre is down: it says that it cannot connect, or that nobody answered. Leaving *up*
needs evidence, coming back needs one acknowledgement, so that the strip never flickers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from kiosk_ui.kit.screens.words import N_, Message

State = Literal["up", "slow", "silent", "cut", "draining"]
STATES: tuple[State, ...] = ("up", "slow", "silent", "cut", "draining")

SLOW_ACK_S = 3.0
SLOW_STREAK = 2
SILENT_AFTER_S = 15.0
CUT_AFTER_S = 5.0


@dataclass(frozen=True, slots=True)
class LineFacts:
    """What the link knows now.

    `last_ack_age_s` None: never acknowledged since this machine was set up. `ack_delay_s`: the latest round trip.
    `slow_streak`: how many acknowledgements in a row took 3 s or more. `silent_s`: how long a question has stood
    unanswered on an open connection, 0 when none stands. `cut_s`: since when the connection is lost and nothing was
    acknowledged, 0 after an acknowledgement. `delivered`: acknowledged since the line came back, 0 once the outbox
    has been empty. `drain_rate`: facts acknowledged per second, 0 when unknown. `outdated`: the hub has stopped feeds,
    because this machine's software is too old.
    """

    connected: bool
    last_ack_age_s: float | None = None
    ack_delay_s: float = 0.0
    slow_streak: int = 0
    silent_s: float = 0.0
    cut_s: float = 0.0
    outbox: int = 0
    delivered: int = 0
    drain_rate: float = 0.0
    outdated: bool = False


@dataclass(frozen=True, slots=True)
class LineWords:
    """What this kind of machine can still do, and what has to wait, as catalogue entries."""

    works: str = N_("扫描、交接、打印")
    waits: str = N_("送达")


@dataclass(frozen=True, slots=True)
class LineView:
    """`key` in bold, `still` after it (both announced when the state changes), `detail` the moving numbers."""

    state: State
    key: Message
    still: Message | None = None
    detail: Message | None = None
    numbers: Mapping[str, int] = field(default_factory=dict)

    @property
    def grey(self) -> bool:
        """No word from the other side: the strip lies on the off ground."""
        return self.state in ("silent", "cut")


def line_state(facts: LineFacts) -> State:
    """Which of the five states the facts are evidence for."""
    if facts.cut_s >= CUT_AFTER_S and (not facts.connected or facts.silent_s < SILENT_AFTER_S):
        return "cut"
    if facts.connected and facts.silent_s >= SILENT_AFTER_S:
        return "silent"
    if facts.connected and facts.outbox > 0 and facts.delivered > 0:
        return "draining"
    if facts.slow_streak >= SLOW_STREAK and facts.ack_delay_s >= SLOW_ACK_S:
        return "slow"
    return "up"


def line_view(facts: LineFacts, words: LineWords | None = None) -> LineView:
    """The strip's sentence: what is, what keeps working, what waits."""
    words = words or LineWords()
    works, waits = Message(words.works), Message(words.waits)
    match line_state(facts):
        case "cut":
            still = Message(N_("%(works)s都能用；%(waits)s要等线路"), {"works": works, "waits": waits})
            return LineView("cut", Message(N_("网络中断，本机照常工作")), still, None, {"waiting": facts.outbox})
        case "silent":
            still = Message(N_("%(works)s都能用；%(waits)s要等"), {"works": works, "waits": waits})
            return LineView("silent", Message(N_("中心没有回音，本机照常工作")), still, None, {"waiting": facts.outbox})
        case "draining":
            return _draining(facts)
        case "slow":
            delay_s = max(1, round(facts.ack_delay_s))
            detail = Message(N_("送达约晚 %(n)s 秒"), {}, delay_s)
            return LineView("slow", Message(N_("线路很慢")), Message(N_("做事不受影响")), detail, {"delay_s": delay_s})
        case "up" if facts.outdated:
            still = Message(N_("做的事照常送达；名单停在现在，请管理员更新本机"))
            return LineView("up", Message(N_("本机软件太旧")), still)
        case "up":
            return LineView("up", Message(N_("线路畅通")))


def _draining(facts: LineFacts) -> LineView:
    total = facts.delivered + facts.outbox
    numbers = {"delivered": facts.delivered, "total": total}
    fields = {"delivered": f"{facts.delivered:,}", "total": f"{total:,}"}
    if facts.drain_rate > 0:
        left_s = max(1, round(facts.outbox / facts.drain_rate))
        left = _about(left_s)
        numbers["left_s"] = left_s
        detail = Message(N_("已补 %(delivered)s / %(total)s，%(left)s"), {**fields, "left": left})
    else:
        detail = Message(N_("已补 %(delivered)s / %(total)s"), fields)
    return LineView("draining", Message(N_("线路恢复，正在补送")), Message(N_("可以接着干活")), detail, numbers)


def _about(left_s: int) -> Message:
    if left_s < 90:
        return Message(N_("约还要 %(n)s 秒"), {}, left_s)
    return Message(N_("约还要 %(n)s 分"), {}, round(left_s / 60))
