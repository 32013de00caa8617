"""What people call the machines, the six ways of a line and its states, as catalogue entries."""

from __future__ import annotations

from kiosk_ui.kit.screens.words import N_

BOXES = {
    "records-room": N_("病案室"),
    "courier-1": N_("1 号手持机"),
    "courier-2": N_("2 号手持机"),
}
MODES = {
    "up": N_("畅通"),
    "slow": N_("很慢"),
    "lossy": N_("丢包"),
    "refused": N_("拒绝"),
    "silent": N_("没回音"),
    "half-cut": N_("半路断"),
}
STATES = {
    "up": N_("线路畅通"),
    "slow": N_("线路很慢"),
    "silent": N_("中心没有回音，本机照常工作"),
    "cut": N_("网络中断，本机照常工作"),
    "draining": N_("线路恢复，正在补送"),
    "gone": N_("这台机器没有开着"),
}


def box(name: str) -> str:
    """The entry for a machine of the stage; its own name when it has no other."""
    return BOXES.get(name, name)
