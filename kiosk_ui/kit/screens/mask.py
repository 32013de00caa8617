"""Numbers people can read and names nobody overhears."""

from __future__ import annotations

NBSP = "\u00a0"

# Compound surnames in use today, observed in name lists; our own choice, extend it when a hospital meets another.
_COMPOUND_WORDS = """
欧阳 上官 皇甫 令狐 诸葛 司徒 司马 申屠 夏侯 贺兰 完颜 慕容 尉迟 长孙 东方 端木 公孙 公冶 淳于 单于
宇文 轩辕 独孤 南宫 西门 东郭 百里 呼延 万俟 闻人 赫连 澹台 濮阳 宗政 太叔 仲孙 钟离 鲜于 闾丘 亓官
司寇 子车 颛孙 巫马 公西 漆雕 乐正 壤驷 公良 拓跋 夹谷 宰父 谷梁 段干 东门 南门 羊舌 微生 梁丘 左丘
第五 纳兰 达奚
"""
COMPOUND_SURNAMES = frozenset(_COMPOUND_WORDS.split())


def mask_name(name: str) -> str:
    """仇**, 欧阳**, Wo**: the surname or two Latin letters, then two stars whatever the length."""
    name = name.strip()
    if not name:
        return ""
    if name[0].isascii() or (name[0].isalpha() and ord(name[0]) < 0x2E80):
        letters = "".join(ch for ch in name.split()[0] if ch.isalpha())
        return (letters[:2] or name[:1]) + "**"
    kept = name[:2] if len(name) > 2 and name[:2] in COMPOUND_SURNAMES else name[:1]
    return kept + "**"


def mask_document(number: str) -> str:
    """A document number by its last four characters."""
    return "****" + number[-4:] if len(number) > 4 else "****"


def group4(number: str) -> str:
    """0073 1846: groups of four from the left, joined by no-break spaces; the part after a hyphen stays whole."""
    head, hyphen, tail = number.partition("-")
    groups = [head[i : i + 4] for i in range(0, len(head), 4)]
    return NBSP.join(groups) + hyphen + tail


def thousands(count: int) -> str:
    """1,341; figures below a thousand stay bare."""
    return f"{count:,}"
