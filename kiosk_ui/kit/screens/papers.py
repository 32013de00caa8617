"""Papers in people's words, the same on the page of papers and in the shell: why nobody knows, how a trial ended."""

from __future__ import annotations

from kiosk_ui.kit.screens.devices import DeviceWords
from kiosk_ui.kit.screens.words import N_, FieldValue, Message

HANDED_OVER = "handed-over"
"""The reason of a paper that a printer took and cannot speak of."""

_DOUBTS = {
    "power": N_("打印机打到一半断了电。"),
    "forgotten": N_("打印机已经不记得这一份了。"),
    "canceled": N_("有人在打印机上把它停了。"),
    "half-sheet": N_("停的时候一张纸只打了一面。"),
    "pages-missing": N_("打印机说打完了，页数却不够。"),
    "twice": N_("打印服务又送了一次，已经收回。"),
    "lost": N_("打印服务弄丢了这一份。"),
    "cut": N_("打印机中途停了这一份。"),
    "gone": N_("打到一半，打印机断开了。"),
    "silent": N_("打印机收下了，没有说打好。"),
    "restart": N_("打到一半，这台机器重新开过。"),
}


def doubt(reason: str) -> Message | None:
    """Why nobody can tell whether a paper came out; None for a reason that is not known here."""
    return Message(_DOUBTS[reason]) if reason in _DOUBTS else None


def trial_end(printer: DeviceWords, state: str, reason: str) -> Message:
    """What became of a trial paper, what that proves and what to do; `printer` is how its printer is now."""
    said: dict[str, FieldValue] = {"device": printer.label}
    match state:
        case "confirmed" if reason == HANDED_OVER:
            return Message(N_("%(device)s：整份交给它了；它不会回话，出没出来要看一眼。"), said)
        case "confirmed":
            return Message(N_("%(device)s：打好了，打印机自己说的。"), said)
        case "uncertain":
            why = doubt(reason) or Message(N_("打印机没有说清。"))
            return Message(
                N_("%(device)s：说不准打没打出来。%(why)s去看一眼，在这台机器的“打印的纸”里定一次。"),
                {**said, "why": why},
            )
        case "failed":
            return Message(N_("%(device)s：这一份它打不了，什么也没有打出来。"), said)
    if printer.steps:
        told = {**said, "said": printer.state, "step": printer.steps[0]}
        return Message(N_("%(device)s：等着，%(said)s。%(step)s；好了它自己接着打。"), told)
    if state == "sent":
        return Message(N_("%(device)s：正在打，还没打完。"), said)
    return Message(N_("%(device)s：排着队，轮到了自己打。"), said)


def trial_counts(counted: int, sides: int) -> Message:
    """Whether a document printer counts pages, and what to set therefore."""
    if counted >= sides:
        return Message(N_("它数页数：设 counts_pages = true，断了的文件就从缺的那一页接着打。"))
    return Message(N_("它不数页数：counts_pages = false 不要改。"))
