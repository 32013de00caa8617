"""What acts are called in the audit list."""

from __future__ import annotations

from kiosk_ui.kit.screens.words import N_

WHAT = {
    "sign-in": N_("登录"),
    "sign-out": N_("退出"),
    "list.import": N_("导入名单"),
    "hl7.import": N_("导入 HL7 文件"),
    "hl7.taken": N_("收到 HL7 消息"),
    "record.name": N_("看了全名"),
    "record.seal": N_("封存"),
    "record.unseal": N_("解除封存"),
    "anomaly.settled": N_("定了一件事"),
    "name.settled": N_("定了姓名"),
    "collection.undone": N_("撤回收取"),
    "collection.corrected": N_("更正收取"),
    "collection.backfilled": N_("补录收取"),
    "reception.undone": N_("撤回点收"),
    "label.printed": N_("打了封面标签"),
    "receipt.printed": N_("打了回执"),
    "round.rebuilt": N_("用回执重建"),
    "person.registered": N_("登记人员"),
    "person.changed": N_("改了人员"),
    "person.disabled": N_("停用账号"),
    "calendar.day-set": N_("改了日历"),
    "ward.configured": N_("改了病区"),
    "card.made": N_("做了接入卡"),
    "card.withdrawn": N_("收回接入卡"),
    "node.enrolled": N_("机器接入"),
    "node.enrol-refused": N_("机器接入被拒"),
    "node.scopes-set": N_("改了机器带的病区"),
    "node.revoked": N_("吊销机器"),
    "node.key-asked": N_("要机器换签名密钥"),
    "hub.key-ordered": N_("定下中心的新签名密钥"),
    "node.closed": N_("两台送完，关掉编号"),
    "node.mark-raised": N_("吊销以后送来的：准许算数"),
    "node.frozen": N_("停住一台机器"),
    "node.thawed": N_("让机器继续"),
    "stream.reissue": N_("停住的一路：重新登记"),
    "stream.discard": N_("停住的一路：不要了"),
    "loss.reported": N_("签了缺失"),
    "node.rewound": N_("机器有了两段历史"),
    "node.restored": N_("定为从备份恢复"),
    "node.copied": N_("定为硬盘被复制"),
    "lease.granted": N_("给了许可"),
    "lease.refused": N_("没有同意许可"),
    "lease.voided": N_("作废租约"),
    "lease.looked": N_("看过租约的情况"),
    "stick.out": N_("用 U 盘带出"),
    "stick.in": N_("用 U 盘带入"),
    "stick.brought": N_("收下 U 盘文件"),
    "device.off": N_("停用设备"),
    "device.on": N_("启用设备"),
    "device.tried": N_("试了设备"),
    "device.paired": N_("配了扫码枪"),
    "device.unpaired": N_("放掉扫码枪"),
    "paper.decided": N_("看过打印机，定了打没打出来"),
}
COUNTS = {
    "lines": N_("%(n)s 行"),
    "written": N_("写入 %(n)s"),
    "unchanged": N_("没有变化 %(n)s"),
    "faulty": N_("有问题 %(n)s"),
}


def detail(text: str | None) -> list[tuple[str, str]]:
    """What an audit line adds: counts as (entry, number), other words as (word, "")."""
    parts = []
    for word in (text or "").split(" "):
        name, _, number = word.partition("=")
        parts.append((COUNTS[name], number) if name in COUNTS and number else (word, ""))
    return parts
