"""Why a file or a line did not go in, as a clerk reads it; the code stands small behind the sentence."""

from __future__ import annotations

from kiosk_ui.kit.screens.words import N_

STATE = {
    "reading": N_("正在读"),
    "mapping": N_("要先对上列"),
    "ready": N_("读完了，等着写入"),
    "writing": N_("正在写入"),
    "done": N_("写完了"),
    "stopped": N_("停下了"),
    "refused": N_("没有收下"),
    "broken-off": N_("中途断了，请再传一次"),
}
KIND = {"list": N_("出院名单"), "hl7": N_("HL7 消息")}
LINE = {
    "cell.missing": N_("这一格空着"),
    "cell.record-no": N_("病案号要 4 到 20 位数字或字母"),
    "cell.stay-no": N_("住院次数要 1 到 4 位数字"),
    "cell.ward": N_("病区要用代码"),
    "cell.date-form": N_("日期认不出来，请写成 2026-11-17"),
    "cell.date-impossible": N_("没有这一天"),
    "cell.control-character": N_("有看不见的控制字符"),
    "cell.unreadable-character": N_("有一个字认不出来"),
    "cell.name-too-long": N_("姓名太长，最多 80 字"),
    "cell.too-long": N_("这一格太长"),
    "cell.number": N_("这一格是带小数的数"),
    "cell.formula-error": N_("公式算错了，请贴成数值"),
    "cell.formula-without-value": N_("公式没有结果，请贴成数值"),
    "row.admitted-after-discharged": N_("入院日期在出院以后"),
    "row.discharged-in-future": N_("出院日期还没到"),
    "row.beyond-limit": N_("超过了能收的行数"),
    "row.duplicate": N_("和第 %(first)s 行是同一次住院，内容不同"),
    "row.more-columns-than-header": N_("比表头多出一列"),
    "row.quote": N_("引号没有配对"),
    "row.too-long": N_("这一行太长"),
    "hl7.admitted-after-discharged": N_("入院日期在出院以后"),
    "hl7.discharged-in-future": N_("出院日期还没到"),
    "hl7.missing": N_("缺一个必填的字段"),
    "hl7.event-unsupported": N_("这种消息不收"),
    "hl7.type-unsupported": N_("这种消息不收"),
}
LINE_OTHER = N_("这一行读不懂")
FILE = {
    "import.empty": N_("文件是空的"),
    "import.too-large": N_("文件超过 %(limit_mb)s MB，没有收下。请分成几份"),
    "import.too-many-rows": N_("超过 %(limit)s 行，没有收下。请分成几份"),
    "import.too-many-messages": N_("超过 %(limit)s 条消息，没有收下。请分成几份"),
    "import.no-messages": N_("文件里没有 HL7 消息"),
    "import.xls": N_("这是旧的 .xls，读不了。请在 Excel 里另存为 .xlsx 再传"),
    "import.protected": N_("文件有密码，读不了。请去掉密码再传"),
    "import.bomb": N_("文件展开以后太大，没有收下"),
    "import.broken": N_("文件坏了，读不了。请重新导出再传"),
    "import.encoding": N_("文字编码认不出来。请存成 UTF-8 或 GB18030"),
    "import.not-a-list": N_("这不像一份名单。请用 CSV 或 .xlsx，第一行是列名"),
    "import.busy": N_("还有几份文件在等，先看完那些"),
    "import.gone": N_("这份文件已经不在了，请再传一次"),
    "import.mapping-needed": N_("先说清楚哪一列是什么"),
    "import.incident": N_("这份文件没有写完，已经记下来了。再传一次会接着写"),
    "mapping.field-unknown": N_("有一列选得不对"),
    "mapping.column-outside": N_("选的列不在表里"),
    "mapping.column-twice": N_("同一列选了两次"),
    "mapping.field-missing": N_("病案号、姓名、病区、出院日期都要有"),
    "mapping.unreadable": N_("列的说法读不懂"),
    "store.write": N_("磁盘现在写不了，已写入的都在"),
}
"""Also the sentences of refusals."""
