"""What leases are called on screen, and why something about them was refused."""

from __future__ import annotations

from kiosk_ui.kit.screens.words import N_

KIND = {
    "number": N_("号段"),
    "hold": N_("独占"),
    "read": N_("阅览许可"),
    "print": N_("复印许可"),
    "glass": N_("紧急调阅"),
}
STATE = {"asked": N_("等人同意"), "open": N_("在用"), "void": N_("已作废，等机器回报")}
REVIEW = {
    "break-glass-asked": N_("要了紧急调阅"),
    "break-glass": N_("用了紧急调阅"),
    "unit-twice": N_("同一次用了两回，可能有两块一样的硬盘"),
    "over-quota": N_("用得比给的多"),
    "after-return": N_("交回以后又用了"),
    "stale-fence": N_("别人接手以后，它还在用"),
}
REFUSED = {
    "lease.kind": N_("只能给阅览、复印或紧急调阅"),
    "lease.resource": N_("范围写得不对：用小写字母，比如 record:W12"),
    "lease.bounds": N_("次数最多 1000，时限最多 90 天，断网可用的时间不能比时限长"),
    "lease.purpose": N_("要写用途，最多 120 字"),
    "lease.not-waiting": N_("这个申请已经有人处理过了"),
    "lease.not-open": N_("这个租约已经结束了"),
    "lease.node-shut": N_("这台机器停住了，不能给它许可"),
    "lease.unknown": N_("没有这个租约"),
    "lease.looked": N_("已经有人看过了"),
}
