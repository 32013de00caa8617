"""Devices in people's words, the same at the machine, at the hub and in the shell: what is wrong, what hands can do.

A word that is not in these tables is told as the state it came with, never as good. New kinds of device add a line to
`_ICONS`, new reasons a line to `_REASONS` and their steps to `_STEPS`.
"""

from __future__ import annotations

from dataclasses import dataclass

from kiosk_ui.kit.screens.words import N_, Message

WORKING = ("ready", "busy")


@dataclass(frozen=True, slots=True)
class DeviceWords:
    """One row of a device page; `steps` and what follows only where hands are needed. `tone` is a custody glyph."""

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
    kind: Message | None = None
    """What it is, where its label is a name that somebody gave it."""

    @property
    def sentence(self) -> Message:
        """All of it in one: how it is and, where somebody has to act, what to do first."""
        said = {"device": self.label, "said": self.state}
        if not self.steps:
            return Message(N_("%(device)s：%(said)s。"), said)
        return Message(N_("%(device)s：%(said)s。%(step)s。"), {**said, "step": self.steps[0]})


_ICONS = {
    "camera": "camera",
    "face-terminal": "scan-face",
    "gun": "scan-barcode",
    "identity-reader": "id-card",
    "pedal": "footprints",
    "printer": "printer",
    "scanner": "scan-text",
    "signature-pad": "signature",
    "speaker": "volume-2",
}
_KINDS = {
    "camera": N_("高拍仪"),
    "face-terminal": N_("人脸终端"),
    "gun": N_("扫码枪"),
    "identity-reader": N_("读卡器"),
    "pedal": N_("踏板"),
    "printer": N_("打印机"),
    "scanner": N_("扫描仪"),
    "signature-pad": N_("签字板"),
    "speaker": N_("喇叭"),
}
_NAMES = {
    "label-printer": N_("标签机"),
    "office-printer": N_("办公打印机"),
    "receipt-printer": N_("回执机"),
}
_STATES = {
    "ready": N_("正常"),
    "busy": N_("正在用"),
    "opening": N_("正在连"),
    "absent": N_("没有插好"),
    "lost": N_("断开了"),
    "attention": N_("要人看一下"),
    "disabled": N_("停用了"),
}
_BUSY = {
    "camera": N_("正在取画面"),
    "face-terminal": N_("正等人看过来"),
    "printer": N_("正在打"),
    "scanner": N_("正在扫"),
    "signature-pad": N_("正等人签字"),
    "speaker": N_("正在播"),
}
_REASONS = {
    # printers
    "cover-open": N_("盖子开着"),
    "cutter": N_("切刀卡住了"),
    "error": N_("报了故障"),
    "head-open": N_("打印头没扣好"),
    "jam": N_("卡纸了"),
    "near-end": N_("正常，纸快用完了"),
    "no-cups": N_("本机没有装打印组件"),
    "no-queue": N_("打印服务里没有它"),
    "not-allowed": N_("打印服务不让本机打"),
    "offline": N_("被关成离线了"),
    "output-full": N_("出纸口满了"),
    "paper-out": N_("没纸了"),
    "paused": N_("按了暂停"),
    "ribbon-out": N_("碳带用完了"),
    "server-gone": N_("打印服务没有开"),
    "silent": N_("没有回音"),
    "toner-out": N_("没墨粉了"),
    "tray-missing": N_("纸盒没有装好"),
    # scanners and what else takes or gives pictures and sound
    "away": N_("厂家的服务没有开"),
    "busy": N_("正被别的程序用着"),
    "denied": N_("它不让本机用"),
    "locked": N_("运输锁没有打开"),
    "memory": N_("它的内存不够了"),
    "no-documents": N_("进纸口没有纸"),
    "no-player": N_("本机没有装播放声音的程序"),
    "voice": N_("这一句念不出来"),
    "page-lost": N_("走过去一张纸，没有收到图"),
    "warming-up": N_("灯正在预热"),
    # any device
    "elsewhere": N_("插到别的口上了"),
    "fault": N_("本机程序出了错"),
    "gone": N_("断开了"),
    "no-access": N_("本机程序没有打开它的权限"),
    "not-an-input": N_("设置里写的不是扫码枪"),
    "not-tried": N_("还没看过"),
    "other": N_("它的口上插着别的东西"),
    "port-taken": N_("它的网络端口被别的程序占着"),
    "taken": N_("被别的程序占着"),
    "two": N_("插着两个一样的，分不清是哪一个"),
    "unpaired": N_("还没有配枪"),
    "unplugged": N_("没有插着"),
}
_AFFECTED = {
    "camera": N_("先拍不了，可以用扫描仪。"),
    "face-terminal": N_("先刷不了脸，可以看证件。"),
    "gun": N_("这把枪扫不了，可以换一把枪，或者手工输入。"),
    "identity-reader": N_("证件先读不了，可以手工登记。"),
    "pedal": N_("踏板先用不了，可以点屏幕上的按钮。"),
    "printer": N_("纸要等它好了才出来。收病案照常。"),
    "scanner": N_("先扫不了。已经扫好的不受影响。"),
    "signature-pad": N_("先在屏上签不了字，可以签在纸上。"),
    "speaker": N_("先听不到声音，屏幕上照常显示。"),
}
_UNPLUGGED = (N_("看电源灯亮不亮，把线插紧"), N_("关掉再开一次"), N_("不用点任何键，它自己连上"))
_SETTINGS = (N_("请管理员在本机运行 waystation doctor，照它说的改"), N_("改好以后不用点任何键，它自己连上"))
_TAKEN = (N_("请管理员关掉占着它的程序"), N_("不用点任何键，它自己连上"))
_STEPS: dict[str, tuple[str, ...]] = {
    "cover-open": (N_("把盖子合上，听到咔一声"), N_("不用点任何键，它自己接着打")),
    "cutter": (N_("打开机盖，取出卡在切刀里的纸"), N_("合上盖；取不出来才关电源，打到一半的那张会问你一次")),
    "elsewhere": (N_("插回它原来那个口，它自己连上"), N_("要一直用现在这个口，就在设备页重新配一次")),
    "fault": (N_("关掉这台机器再开"), N_("还是这样，请管理员看本机日志")),
    "head-open": (N_("把打印头压下去扣好"), N_("不用点任何键，它自己接着打")),
    "jam": (N_("打开机器，把卡住的纸全部取出来"), N_("合上盖；出来过的页不会再打，缺的自己接着打")),
    "no-access": _SETTINGS,
    "no-cups": (N_("请管理员照安装说明装上 cups 组件，再开一次本机"),),
    "no-queue": (N_("请管理员照安装说明把打印队列建好"), N_("不用点任何键，它自己连上")),
    "not-allowed": (N_("请管理员照安装说明把打印队列的权限改好"), N_("不用点任何键，它自己连上")),
    "not-an-input": _SETTINGS,
    "other": (N_("换回原来那把，它自己连上"), N_("要用现在这把，就在设备页重新配一次")),
    "output-full": (N_("取走出纸口的纸"), N_("不用点任何键，它自己接着打")),
    "offline": (N_("按一下打印机上的联机键"), N_("不用点任何键，它自己接着打")),
    "paper-out": (N_("卷纸换一卷新的，纸盒加满"), N_("盖好推到底，听到咔一声"), N_("不用点任何键，它自己接着打")),
    "paused": (N_("按一下打印机上的暂停键"), N_("不用点任何键，它自己接着打")),
    "port-taken": _TAKEN,
    "ribbon-out": (N_("换一卷碳带"), N_("不用点任何键，它自己接着打")),
    "server-gone": (N_("请管理员看打印服务（CUPS）开没开"), N_("开了以后不用点任何键，它自己接着打")),
    "taken": _TAKEN,
    "toner-out": (N_("换墨粉盒"), N_("不用点任何键，它自己接着打")),
    "tray-missing": (N_("把纸盒推到底，听到咔一声"), N_("不用点任何键，它自己接着打")),
    "unpaired": (N_("在设备页点“配一把枪”"), N_("用新枪扫屏幕上的码")),
    "two": (N_("请管理员在本机设置里写明是哪一个（usb 一项加上 @口）"), N_("改好以后再开一次本机")),
    "unplugged": (N_("把线插回原来那个口"), N_("不用点任何键，它自己连上")),
    "away": (N_("请管理员把厂家的服务开起来"), N_("开了以后不用点任何键，它自己连上")),
    "denied": _SETTINGS,
    "locked": (N_("把扫描仪底下的运输锁拨开"), N_("在设备页点“试扫一页”")),
    "memory": (N_("关掉它的电源，再开一次"), N_("在设备页点“试扫一页”")),
    "no-documents": (N_("在进纸口放好纸"), N_("再扫一次")),
    "page-lost": (N_("把刚走过去的那张放回进纸口"), N_("再扫一次")),
    "no-player": (N_("请管理员照安装说明装上 alsa-utils"), N_("装好以后再开一次本机")),
    "voice": (N_("请管理员照安装说明装上 espeak-ng"), N_("再试一次")),
}
_ROLE_STEPS: dict[tuple[str, str], tuple[str, ...]] = {
    ("scanner", "cover-open"): (N_("把盖子合上，听到咔一声"), N_("还是这样，就在设备页点“试扫一页”")),
    ("scanner", "error"): (N_("关掉它的电源，再开一次"), N_("在设备页点“试扫一页”")),
    ("scanner", "jam"): (N_("打开机盖，把卡住的纸全部取出来"), N_("合上盖，在设备页点“试扫一页”")),
    ("scanner", "silent"): (N_("关掉它的电源，再开一次"), N_("在设备页点“试扫一页”")),
    ("pedal", "elsewhere"): (N_("插回它原来那个口，它自己连上"), N_("要一直用现在这个口，请管理员改设置")),
    ("camera", "elsewhere"): (N_("插回它原来那个口，它自己连上"), N_("要一直用现在这个口，请管理员改设置")),
    ("scanner", "elsewhere"): (N_("插回它原来那个口，它自己连上"), N_("要一直用现在这个口，请管理员改设置")),
}
"""Where what hands do is not the same on every kind of device."""
_GOOD = ("near-end",)
"""Said by the way: the device works."""
_PASSING = ("not-tried", "busy", "warming-up")
"""Nobody has to do anything about these."""


def reason_word(reason: str) -> str:
    """A device's own word, or the end of a code such as `device.unplugged`."""
    return reason.rpartition(".")[2]


def why(reason: str) -> Message | None:
    """The words for a reason; None for one that nobody here knows."""
    return Message(_REASONS[reason_word(reason)]) if reason_word(reason) in _REASONS else None


def steps(role: str, reason: str) -> tuple[Message, ...]:
    """What hands can do about it."""
    word = reason_word(reason)
    return tuple(Message(step) for step in _ROLE_STEPS.get((role, word), _STEPS.get(word, _UNPLUGGED)))


def device_words(role: str, name: str, state: str, reason: str) -> DeviceWords:
    """A device as its row and, where a person has to act, its card. `reason` is the device's own word or a code."""
    label = Message(_NAMES.get(name, "%(name)s"), {} if name in _NAMES else {"name": name})
    icon = _ICONS.get(role, "usb")
    kind = Message(_KINDS[role]) if role in _KINDS and name not in _NAMES else None
    word = reason_word(reason)
    known = word if word in _REASONS else ""
    how = _STATES.get(state, N_("要人看一下"))
    if state == "busy":
        how = _BUSY.get(role, how)
    if state in WORKING and not known:
        return DeviceWords(icon, name, label, "tick", Message(how), kind=kind)
    if state in ("opening", "disabled"):
        return DeviceWords(icon, name, label, "off", Message(how), kind=kind)
    if state in WORKING and word in _GOOD:
        return DeviceWords(icon, name, label, "tick", Message(_REASONS[word]), kind=kind)
    if word in _PASSING:
        return DeviceWords(icon, name, label, "off", Message(_REASONS[word]), kind=kind)
    said = Message(_REASONS[known] if known else how)
    printer = role == "printer"
    return DeviceWords(
        icon,
        name,
        label,
        "person",
        said,
        Message(N_("%(device)s%(said)s"), {"device": label, "said": said}),
        Message(N_("要打的都排着队，不会丢，也不会重打。") if printer else N_("已收下的都存在本机，一份没少。")),
        Message(_AFFECTED.get(role, _AFFECTED["gun"])),
        steps(role, known),
        f"{state} {reason}".strip(),
        kind,
    )
