"""A seat for each person of the courier's day: where they sit, who they are, and ten steps to try."""

from __future__ import annotations

from dataclasses import dataclass

from kiosk_ui.kit.screens.words import N_
from provisioning.demo import town
from provisioning.demo.stage import ADMIN, Stage

COURIER_STEPS = (
    N_("点「刷工牌」，再输 PIN，坐到手持机前"),
    N_("选一个病区，看名单截至几点、哪几份逾期"),
    N_("在下面「手边的设备」里扣扳机，扫这个病区的下一份"),
    N_("把这台机器的线路拨到「没回音」，接着扫：照样收下，一点不慢"),
    N_("扫别的病区的一份，选一个原因，或者放回去"),
    N_("刚才那份再扫一次：不再计数"),
    N_("撤销上一份，再手工输入一份"),
    N_("点「与护士交接」，写上手点的份数，去护士那张卡片刷工牌"),
    N_("在设备里让打印机没纸再交接一趟：回执排着队，装纸后自己打"),
    N_("把线路拨回「畅通」，看待送达变成 0"),
)
CLERK_STEPS = (
    N_("点「刷工牌」，再输 PIN，坐到病案室"),
    N_("左边是已经在病区交接、还没交来的几趟，选一位取件员开始点收"),
    N_("扣扳机，扫取件员收来的下一份：一扫一张封面标签"),
    N_("看中间的大数字：已点几份，还差几份"),
    N_("扫一份没有人收过的：它会列为多出来的"),
    N_("留下一份不扫，点交清：它会列为少了的"),
    N_("在右边把对不上的定下来，两边的说法都留着"),
    N_("按病案号补打一张标签：上面写着补打"),
    N_("把线路拨到「拒绝」再点收几份：什么都不用等"),
    N_("线路接通后，到中心管理员那里看同一份病案的每一步"),
)
NURSE_STEPS = (
    N_("病区护士没有自己的屏幕：她看取件员的手持机，用工牌签收"),
    N_("先让取件员在一个病区收几份，再点与护士交接"),
    N_("三个数并排：名单上、扫到的、手点的"),
    N_("没写手点的份数就刷工牌：它会说先数"),
    N_("写上手点的份数，看三个数是不是一样"),
    N_("刷一张别的病区护士的工牌：它会说要哪个病区的"),
    N_("在这张卡片上选这个病区的护士，刷她的工牌"),
    N_("手持机写明谁签收了，回执从腰间打印机出来"),
    N_("看「手边的设备」里的回执图：每个码都能单独重建"),
    N_("线路断着也能签收，签收和扫描一起送达"),
)
ADMIN_STEPS = (
    N_("用账号和密码登录中心"),
    N_("总览最上面是账：产生 = 已收，缺号 0"),
    N_("断开一台手持机再扫几份：这里写它联系不上、截至几点"),
    N_("接通，几秒内看到全部送达"),
    N_("在「病案」里按号、姓名或拼音首字母找一份"),
    N_("打开一份，看每一步什么时候发生、什么时候中心才知道"),
    N_("点显示全名：审计里会多一行"),
    N_("在「要人定」里定一个对不上的"),
    N_("在「名单导入」里导入一份 CSV，坏的一行写明是第几行"),
    N_("在「统计」里看每个病区的按时率，存成 Excel"),
)


@dataclass(frozen=True, slots=True)
class Persona:
    """`picture` names the drawing on the card; `station` is whose gun reads the badge, empty where there is none."""

    id: str
    title: str
    does: str
    picture: str
    steps: tuple[str, ...]
    address: str = ""
    station: str = ""
    person: town.Person | None = None
    password: str = ""
    user: str = ""


def personas(stage: Stage) -> list[Persona]:
    """In the order of the cards. Addresses are those of now: a machine started again may have another."""
    staff = {person.user: person for person in town.people()}
    at = {station.name: station.base_url for station in stage.stations}
    first, second, room = (name if name in at else "" for name in ("courier-1", "courier-2", "records-room"))
    return [
        Persona(
            "courier-1", N_("取件员罗建平"), N_("断着网，把一个病区收齐"), "hand", COURIER_STEPS,
            at.get(first, ""), first, staff["u-luo"],
        ),
        Persona(
            "courier-2", N_("取件员许长顺"), N_("另一台手持机，另外几个病区"), "hand", COURIER_STEPS,
            at.get(second, ""), second, staff["u-xu"],
        ),
        Persona(
            "nurse", N_("病区护士"), N_("看一眼三个数，刷工牌签收"), "badge", NURSE_STEPS,
        ),
        Persona(
            "clerk", N_("病案员温雨桐"), N_("点收，贴标签，定下对不上的"), "room", CLERK_STEPS,
            at.get(room, ""), room, staff["u-wen"],
        ),
        Persona(
            "administrator", N_("管理员，在中心"), N_("报过数的，一条没丢"), "hub", ADMIN_STEPS,
            str(stage.hub_state.get("base_url", "")), user=ADMIN, password=stage.password,
        ),
    ]  # fmt: skip


def nurses() -> list[tuple[str, str, str]]:
    """(user, code of the ward, name) of each ward's nurse."""
    return [(p.user, p.ward, p.name) for p in town.people() if p.role == "nurse" and p.ward]
