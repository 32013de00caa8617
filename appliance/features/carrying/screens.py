"""A carry in one sentence, and in a program's words."""

from __future__ import annotations

from typing import Any

from appliance.features.carrying.service import Carry
from kiosk_ui.kit.screens.words import N_, Message

OTHERS = frozenset({"message.audience", "parcel.seal", "batch.seal"})
"""Codes of what is in a file for another machine."""


def outcome_words(carry: Carry) -> list[Message]:
    """What came of it, sentence by sentence; nothing while it runs or where it failed."""
    if carry.state == "stopped":
        kept = N_("停下了，没有写文件") if carry.what == "out" else N_("停下了，已经收进来的都在")
        return [Message(kept)]
    if carry.state != "done":
        return []
    return _out(carry) if carry.what == "out" else _in(carry)


def _out(carry: Carry) -> list[Message]:
    packed = carry.packed
    assert packed is not None
    said = [Message(N_("%(n)s 条写在 %(file)s，封好了，只有中心打得开"), {"file": carry.file}, packed.facts)]
    if packed.blobs:
        said.append(Message(N_("带上了 %(n)s 份图像"), {}, packed.blobs))
    if packed.blobs_left:
        said.append(Message(N_("还有 %(n)s 份图像放不下，下一趟再带"), {}, packed.blobs_left))
    said.append(Message(N_("送到中心，再把中心给的回执带回来")))
    return said


def _in(carry: Carry) -> list[Message]:
    taken = carry.taken
    assert taken is not None
    said = [Message(N_("中心新签收了 %(n)s 条"), {}, taken.acknowledged)]
    if taken.blobs:
        said.append(Message(N_("中心收下了 %(n)s 份图像"), {}, taken.blobs))
    if taken.leases:
        said.append(Message(N_("回了 %(n)s 个许可"), {}, taken.leases))
    if taken.rounds is not None and taken.rounds.left:
        said.append(Message(N_("有名单要再带一趟才对得上")))
    elif taken.rounds is not None:
        said.append(Message(N_("名单都更新了")))
    if any(code in OTHERS for code in taken.refused):
        said.append(Message(N_("有的文件是给别的机器的，没有动")))
    if any(code not in OTHERS for code in taken.refused):
        said.append(Message(N_("有的文件坏了或者不完整，没有收")))
    return said


def carry_data(carry: Carry | None) -> dict[str, Any] | None:
    """For a program."""
    if carry is None:
        return None
    told: dict[str, Any] = {
        "what": carry.what, "place": carry.place, "state": carry.state, "done": carry.done, "of": carry.of,
    }  # fmt: skip
    if carry.packed is not None:
        told |= {"file": carry.file, "facts": carry.packed.facts, "asks": carry.packed.asks,
                 "blobs": carry.packed.blobs, "blobs_left": carry.packed.blobs_left}  # fmt: skip
    if carry.taken is not None:
        told |= {"acknowledged": carry.taken.acknowledged, "leases": carry.taken.leases, "blobs": carry.taken.blobs,
                 "refused": dict(sorted(carry.taken.refused.items()))}  # fmt: skip
    return told | ({"code": carry.code} if carry.code else {})
