"""What machines' states are called. Offline, late and never seen are three different words."""

from __future__ import annotations

from kiosk_ui.kit.screens.words import N_

STATE = {
    "online": N_("在线"),
    "outdated": N_("在线，软件太旧，只收不发"),
    "silent": N_("联系不上"),
    "late": N_("逾期未联系"),
    "never": N_("从未联系"),
    "rewound": N_("有两段历史，要人定"),
    "frozen": N_("停住了"),
    "revoked": N_("已吊销"),
}
GLYPH = {
    "online": "tick",
    "outdated": "person",
    "silent": "off",
    "late": "person",
    "never": "never",
    "rewound": "danger",
    "frozen": "danger",
    "revoked": "off",
}
FORK = {
    "held-more": N_("中心有它自己不记得的事"),
    "told-more": N_("它报过数的事，自己不记得了"),
    "other-hash": N_("同一号，它和中心记的不一样"),
    "sibling": N_("同一次开机之后，接着开了两次"),
}
VERDICT = {
    None: N_("还没定"),
    "restored": N_("从备份恢复的"),
    "copied": N_("硬盘被复制了"),
    "thawed": N_("停住以后重新开始的"),
}
ROLE = {"courier": N_("手持机"), "records": N_("病案室")}
LANE = {0: N_("管理"), 1: N_("现场"), 2: N_("名单")}
LOSS = {
    "hole": N_("缺口"),
    "rewound": N_("退回以后没有了"),
    "discarded": N_("不要了"),
    "closed": N_("机器停用"),
}
REFUSED = {
    "card.role": N_("没有这种机器"),
    "card.site": N_("卡是别的医院的"),
    "card.urls": N_("中心的网址还没定，做不了卡"),
    "card.name": N_("机器要有一个名字，最多 60 字"),
    "card.wards": N_("病区代码写得不对，或者太多"),
    "card.no-wards": N_("手持机至少要带一个病区"),
    "card.unknown": N_("没有这张卡"),
    "card.withdrawn": N_("这张卡已经收回"),
    "card.used": N_("这张卡用过了，请再做一张"),
    "card.expired": N_("这张卡过了 24 小时，请再做一张"),
    "card.other-site": N_("这张卡是别的医院的"),
    "card.other-role": N_("这张卡是给另一种机器的"),
    "node.gone": N_("没有这台机器，或者已经吊销"),
    "stream.nothing-late": N_("这一路没有吊销以后送来的，或者号不对"),
    "stream.not-stopped": N_("这一路没有停住"),
    "stream.choice": N_("只能定：重新登记，或者不要了"),
    "node.nothing-missing": N_("这台机器没有要签的缺失"),
    "node.not-rewound": N_("这台机器没有要定的历史"),
    "node.not-copied": N_("这台机器没有定为硬盘被复制，不能这样关"),
    "node.not-drained": N_("两台还有 %(n)s 条没送到，送完再关；再也送不来的先签缺失"),
    "node.verdict": N_("只能定：从备份恢复，或者硬盘被复制"),
    "node.role": N_("只有手持机才分病区"),
    "node.key-asked": N_("已经要它换签名密钥了，等它下次联系"),
    "hub-key.date": N_("日期要写成 2026-12-31 这样"),
    "hub-key.too-soon": N_("新密钥至少提前 14 天告诉各机器，最早 %(on)s"),
    "hub-key.pending": N_("已经定下一把新密钥，等它启用以后再换"),
    "hub-key.too-many": N_("中心的签名密钥已经太多，名册放不下"),
    "node.reason": N_("吊销要写理由，最多 200 字"),
}
