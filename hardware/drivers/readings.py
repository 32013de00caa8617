"""How a name or a sentence is read: pinyin with tone numbers, as espeak-ng's `cmn-latn-pinyin` voice takes it."""

from __future__ import annotations

import re
import unicodedata

# Surnames that are read otherwise than the same character elsewhere.
# Written down by hand from how these surnames are said; not checked against a published list.
SURNAMES = {
    "单": "shan4", "解": "xie4", "仇": "qiu2", "曾": "zeng1", "查": "zha1", "区": "ou1", "乐": "yue4", "翟": "zhai2",
    "覃": "qin2", "折": "she2", "种": "chong2", "召": "shao4", "祭": "zhai4", "句": "gou1", "秘": "bi4", "重": "chong2",
    "郇": "xun2", "阚": "kan4", "隗": "wei3", "繁": "po2", "粘": "nian2", "任": "ren2", "华": "hua4", "朴": "piao2",
    "盖": "ge3", "宁": "ning4", "缪": "miao4", "那": "na1", "哈": "ha3", "车": "che1", "卜": "bu3", "曲": "qu1",
    "过": "guo1", "应": "ying1", "燕": "yan1", "冼": "xian3", "員": "yun4", "员": "yun4", "逄": "pang2", "牟": "mu4",
    "晟": "cheng2", "洗": "xian3", "尹": "yin3", "谌": "chen2", "瞿": "qu2", "黑": "he4", "盛": "sheng4", "纪": "ji3",
    "撒": "sa3", "笪": "da2", "佴": "nai4", "貟": "yun4", "郗": "chi1", "訾": "zi1", "乜": "nie4", "柏": "bai3",
}  # fmt: skip
COMPOUND = {
    "尉迟": "yu4 chi2", "万俟": "mo4 qi2", "单于": "chan2 yu2", "澹台": "tan2 tai2", "长孙": "zhang3 sun1",
    "令狐": "ling2 hu2", "宇文": "yu3 wen2", "皇甫": "huang2 fu3", "呼延": "hu1 yan2", "鲜于": "xian1 yu2",
}  # fmt: skip
DIGITS = {
    "0": "ling2", "1": "yi1", "2": "er4", "3": "san1", "4": "si4", "5": "wu3", "6": "liu4", "7": "qi1", "8": "ba1",
    "9": "jiu3",
}  # fmt: skip


def read_name(name: str) -> str:
    """The surname as surnames are read, the rest as a dictionary has it; Latin names stay letters."""
    plain = unicodedata.normalize("NFKC", name).strip()
    for size, table in ((2, COMPOUND), (1, SURNAMES)):
        if plain[:size] in table:
            return f"{table[plain[:size]]} {read_text(plain[size:])}".strip()
    return read_text(plain)


def read_text(text: str) -> str:
    """Digits one by one, as numbers of rooms and tickets are called. What no dictionary has is left out."""
    from pypinyin import Style, lazy_pinyin

    found: list[str] = []
    for piece in re.findall(r"[0-9]|[A-Za-zÀ-ɏ'’-]+|[^0-9A-Za-zÀ-ɏ'’-]+", text):
        if piece in DIGITS:
            found.append(DIGITS[piece])
        elif piece[0].isalpha() and ord(piece[0]) < 0x250:
            found.append(piece)
        else:
            said = lazy_pinyin(piece, style=Style.TONE3, neutral_tone_with_five=True, errors="ignore")
            found += [syllable for syllable in said if syllable]
    return " ".join(found)
