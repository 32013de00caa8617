"""An invented hospital: wards, people, patients and their discharges, the same for the same seed.

Every name, number and place is made up. Names are drawn so that paper and screens meet what they meet in life: rare
characters, compound surnames, names that are read otherwise than written, long Latin ones.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

HOSPITAL = "青岚市中心医院（演示）"
SITE = "qinglan"
PREFIX = "QL"

WARDS = (
    ("W01", "心内一病区", "Cardiology 1"),
    ("W03", "神经内科病区", "Neurology"),
    ("W07", "普外病区", "General surgery"),
    ("W12", "心内二病区", "Cardiology 2"),
    ("W15", "骨科病区", "Orthopaedics"),
    ("W21", "妇产病区", "Obstetrics"),
)
_SURNAMES = "仇单解曾查区林江石苏贺汤纪邱温陆罗许邵宋王李张刘陈杨赵黄周吴徐孙胡朱高梁郑"
_COMPOUND = ("欧阳", "司马", "上官", "诸葛", "慕容")
_GIVEN = "建国静姝晓芸秋实望舒敬安宛如兰亭沐阳南乔雨桐一鸣长顺小满志远子涵雅琴文博佳怡明哲思齐婉清浩然"
_RARE = "䶮㼆𠮷龑喆堃犇淼翀"
_FOREIGN = (
    "A. Wojciechowska",
    "María-José Fernández de la Vega",
    "Maximilian Alexander von Hohenstein-Berg",
    "O'Connor, Siobhán",
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works here. `badge` and `pin` are for the demo alone."""

    user: str
    name: str
    role: str
    badge: str
    pin: str
    ward: str | None = None


@dataclass(frozen=True, slots=True)
class Discharge:
    """One stay as the hospital's list tells it; `discharged_on` None: still in house."""

    record_no: str
    stay_no: int
    name: str
    sex: str
    ward: str
    admitted_on: date
    discharged_on: date | None

    @property
    def key(self) -> str:
        return f"{self.record_no}-{self.stay_no}"


def people() -> list[Person]:
    """Two couriers, a clerk, an auditor's and an administrator's account, one nurse a ward."""
    staff = [
        Person("u-luo", "罗建平", "courier", "WB-C-01", "246801"),
        Person("u-xu", "许长顺", "courier", "WB-C-02", "135790"),
        Person("u-wen", "温雨桐", "clerk", "WB-R-01", "112358"),
        Person("u-lu", "陆一鸣", "auditor", "WB-A-01", "314159"),
    ]
    nurses = ("宋晓岚", "邵小满", "林秋实", "江望舒", "石敬安", "苏宛如")
    staff += [
        Person(f"u-nurse-{code.lower()}", name, "nurse", f"WB-N-{code}", "271828", code)
        for (code, _, _), name in zip(WARDS, nurses, strict=True)
    ]
    return staff


def discharges(seed: int, today: date, *, due: int = 440, in_house: int = 40) -> list[Discharge]:
    """`due` stays discharged in the last nine days over all wards, and some patients still in house."""
    rng = random.Random(f"town {seed}")
    found: list[Discharge] = []
    for number in rng.sample(range(60_000, 99_000), due + in_house):
        ward = WARDS[len(found) % len(WARDS)][0]
        out = None if len(found) >= due else today - timedelta(days=rng.choice((0, 1, 1, 2, 2, 3, 4, 5, 7, 9)))
        admitted = (out or today) - timedelta(days=rng.randrange(2, 21))
        found.append(
            Discharge(f"00{number:06d}", rng.choice((1, 1, 1, 2, 3)), name(rng), rng.choice("MF"), ward, admitted, out)
        )
    return found


def name(rng: random.Random) -> str:
    """An invented name; about one in twelve has something a printer or a screen may stumble on."""
    draw = rng.random()
    if draw < 0.02:
        return rng.choice(_FOREIGN)
    surname = rng.choice(_COMPOUND) if draw < 0.06 else rng.choice(_SURNAMES)
    given = "".join(rng.choice(_GIVEN) for _ in range(rng.choice((1, 2, 2))))
    return surname + (rng.choice(_RARE) if draw > 0.97 else given)


def as_csv(rows: list[Discharge]) -> Iterator[str]:
    """The list as the hospital's system would export it."""
    yield "病案号,住院次数,姓名,性别,病区,入院日期,出院日期"
    for row in rows:
        sex = {"M": "男", "F": "女"}[row.sex]
        said = f'"{row.name}"' if "," in row.name else row.name
        out = row.discharged_on.isoformat() if row.discharged_on else ""
        yield f"{row.record_no},{row.stay_no},{said},{sex},{row.ward},{row.admitted_on.isoformat()},{out}"
