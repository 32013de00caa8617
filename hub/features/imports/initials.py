"""Pinyin initials of a name, as people type them: 欧阳询 OYX, 单雄信 SXX, John Smith JS."""

from __future__ import annotations

import re

_SURNAMES = {
    "单": "S", "解": "X", "仇": "Q", "曾": "Z", "查": "Z", "区": "O", "盖": "G", "朴": "P", "缪": "M", "翟": "Z",
    "覃": "Q", "尉": "Y", "乐": "Y", "员": "Y", "令": "L", "万": "W", "洗": "X", "冼": "X", "逄": "P", "宓": "M",
    "折": "S", "种": "C", "秘": "B", "繁": "P", "召": "S", "訾": "Z", "尹": "Y", "䶮": "Y",
}  # fmt: skip
"""Surnames that are read otherwise than the character usually is. Source: 现代汉语词典, 7th edition, at each character.

万 leads to 万俟 (MQ) below; 尉 to 尉迟 (YC); 乐 is Yue or Le, Yue is the older surname.
"""
_COMPOUND = {"万俟": "MQ", "尉迟": "YC", "单于": "CY", "长孙": "ZS"}
_LATIN = re.compile(r"[A-Za-z]")


def initials(name: str) -> str:
    """Upper-case letters, at most 80; a character without a known reading is left out."""
    from pypinyin import Style, lazy_pinyin  # 0.2 s of tables that only an import needs

    name = name.strip()
    compound = _COMPOUND.get(name[:2]) if len(name) > 2 else None
    letters = [compound or ""]
    rest = name[2:] if compound else name
    for at, part in enumerate(re.findall(r"[A-Za-z]+|.", rest)):
        if _LATIN.match(part):
            letters.append(part[0])
        elif at == 0 and not compound and part in _SURNAMES:
            letters.append(_SURNAMES[part])
        else:
            read = lazy_pinyin(part, style=Style.FIRST_LETTER, errors="ignore")
            letters.append(read[0] if read else "")
    return "".join(letters).upper()[:80]
