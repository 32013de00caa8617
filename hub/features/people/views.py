"""Accounts: the list, one form for all of a person, and the same for programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound

from hub.features.people.service import People, Wish
from hub.features.people.store import PersonRow
from kiosk_ui.kit.body import parse_json, take
from kiosk_ui.kit.problems import sentence
from kiosk_ui.kit.rights import current_principal, needs
from kiosk_ui.kit.screens.words import N_
from sync.domain.people.rights import ROLES
from sync.kernel.outcome import PeerFault, Refused

SENTENCES = {
    "person.taken": N_("这个用户名已经有人用了"),
    "person.gone": N_("没有这个人，或者已经停用"),
    "person.user": N_("用户名只能用字母、数字、点和横线，最多 30 个"),
    "person.name": N_("姓名要 1 到 80 个字"),
    "person.roles": N_("至少选一种身份"),
    "person.ward": N_("病区要用代码"),
    "person.nurse-ward": N_("病区护士要写明病区"),
    "person.pin": N_("PIN 要 4 到 8 位数字"),
    "person.password": N_("密码至少 %(least)s 个字"),
    "person.lang": N_("语言只有中文和英文"),
    "person.badge": N_("胸牌码要 4 到 64 个字"),
    "person.badge-taken": N_("这张胸牌已经是别人的"),
    "person.self": N_("自己不能停用自己"),
    "person.last-administrator": N_("只剩这一位管理员，要先有另一位"),
}
ROLE_WORDS = {
    "courier": (N_("取件员"), N_("到病区收，交到病案室")),
    "nurse": (N_("病区护士"), N_("只在交接时刷卡确认")),
    "clerk": (N_("病案室"), N_("点收、贴标签、导入名单、定事")),
    "administrator": (N_("中心管理员"), N_("人员、机器、日历、封存；看不到审计")),
    "auditor": (N_("审计员"), N_("看审计和统计，什么都不能改")),
}


def actor() -> str:
    principal = current_principal()
    assert principal is not None, "the right was checked"
    return principal.user_id


def make_views(service: People, wards: Callable[[], Mapping[str, str]]) -> Blueprint:
    pages = Blueprint("people", __name__, template_folder="templates")

    def form(person: PersonRow | None, error: str | None = None) -> str:
        return render_template(
            "people/person.html", person=person, error=error, roles=ROLE_WORDS, wards=wards(), typed=request.form
        )

    @pages.get("/people")
    @needs("people.manage")
    def index() -> str:
        return render_template("people/index.html", people=service.all(), roles=ROLE_WORDS, wards=wards())

    @pages.get("/people/new")
    @needs("people.manage")
    def new() -> str:
        return form(None)

    @pages.get("/people/<user>")
    @needs("people.manage")
    def person(user: str) -> str:
        found = service.one(user)
        if found is None:
            raise NotFound
        return form(found)

    @pages.post("/people")
    @needs("people.manage")
    def save() -> Response | tuple[str, int]:
        new_one = request.form.get("known") != "1"
        wish = _wish(request.form, request.form.getlist("role"))
        made = service.save(wish, actor(), new=new_one)
        if isinstance(made, Refused):
            held = None if new_one else service.one(wish.user)
            return form(held, sentence(made.code, made.fields)), 422
        return _there(url_for("people.index"))

    @pages.post("/people/<user>/disable")
    @needs("people.manage")
    def disable(user: str) -> Response | Refused:
        return service.disable(user, actor()) or _there(url_for("people.index"))

    @pages.get("/api/v1/people")
    @needs("people.manage")
    def api_people() -> Response:
        """Everybody who has an account; no badge, PIN or password, only whether there is one."""
        return jsonify({"people": [_told(one) for one in service.all()]})

    @pages.post("/api/v1/people")
    @needs("people.manage")
    def api_register() -> tuple[Response, int] | Refused:
        """Register a person: `user`, `name`, `roles`; also `ward`, `badge`, `pin`, `password`, `lang`."""
        made = service.save(_body(None), actor(), new=True)
        return made if isinstance(made, Refused) else (jsonify({"user": made}), 201)

    @pages.put("/api/v1/people/<user>")
    @needs("people.manage")
    def api_change(user: str) -> Response | Refused:
        """Set a person anew; an empty badge, PIN or password leaves what is there."""
        made = service.save(_body(user), actor(), new=False)
        return made if isinstance(made, Refused) else jsonify({"user": made})

    @pages.delete("/api/v1/people/<user>")
    @needs("people.manage")
    def api_disable(user: str) -> tuple[str, int] | Refused:
        """The person may not sign in any more, here or on any machine."""
        return service.disable(user, actor()) or ("", 204)

    return pages


def _wish(form: Mapping[str, str], roles: list[str]) -> Wish:
    return Wish(
        user=form.get("user", "").strip(),
        name=form.get("name", ""),
        roles=roles,
        ward=form.get("ward", "").strip(),
        badge=form.get("badge", "").strip(),
        pin=form.get("pin", "").strip(),
        password=form.get("password", ""),
        lang=form.get("lang", "zh-CN"),
    )


_TEXTS = ("ward", "badge", "pin", "password", "lang")


def _body(user: str | None) -> Wish:
    required = {"name": str, "roles": list} | ({"user": str} if user is None else {})
    body = take(parse_json(request), required, dict.fromkeys(_TEXTS, (str, type(None))))
    roles = body["roles"]
    if len(roles) > len(ROLES) or not all(isinstance(role, str) for role in roles):
        raise PeerFault("json.field-type", "roles")
    texts = {name: body[name] for name in _TEXTS if body.get(name)}
    return Wish(user=user or body["user"], name=body["name"], roles=roles, **texts)


def _told(one: PersonRow) -> dict[str, Any]:
    return {
        "user": one.user_id,
        "name": one.name,
        "roles": list(one.roles),
        "ward": one.ward,
        "lang": one.lang,
        "active": one.active,
        "has_pin": one.pin_hash is not None,
        "has_password": one.argon2 is not None,
    }


def _there(address: str) -> Response:
    answer = redirect(address, 303)
    assert isinstance(answer, Response)
    return answer
