"""A machine with two pasts at the administrator's screen: seen, asked about, answered, kept in the audit list."""

from __future__ import annotations

import pytest

from hub.boot import Hub
from sync.adapters.sqlite_log import hub_lineage
from sync.adapters.sqlite_log.hub_store import add_node
from sync.domain.fleet.facts import STREAM, STREAM_OPENED
from sync.kernel.fact import Fact
from sync.kernel.ids import CONTROL, FactId
from tests.adapters.hub.conftest import Desk


def forked(hub: Hub, node: str) -> None:
    """Two first starts under one name."""
    with hub.store.write() as unit:
        add_node(
            unit, node=node, role="courier", name="手持机 一", signing_public=bytes(32), sealing_public=bytes(32),
            key_id=node.encode()[-8:], scopes=(), tls_serial=None, now_ms=1,
        )  # fmt: skip
        for incarnation in (21, 22):
            fact = Fact(STREAM_OPENED, 1, STREAM, node, {2: [], 3: 1, 4: "boot", 5: "test", 7: "start"}, 1)
            hub_lineage.opened(hub.store, unit.conn, FactId(node, incarnation, CONTROL, 1), fact)
            hub_lineage.learnt(hub.store, unit, node, incarnation, opening=True)
    hub.desk.settle()


@pytest.mark.parametrize(("verdict", "after"), [("restored", "never"), ("copied", "rewound")])
@pytest.mark.row("H35.10")
def test_an_administrator_says_restored_or_copied(desk: Desk, verdict: str, after: str) -> None:
    node = f"courier-two{verdict[:5]}"
    forked(desk.hub, node)
    page = desk.page("administrator", f"/machines/{node}").get_data(as_text=True)
    assert "有两段历史" in page and f"/machines/{node}/lineage" in page
    english = desk.api("administrator", "GET", f"/machines/{node}?lang=en", headers={"Accept-Language": "en"})
    assert english.status_code == 200
    told = desk.api("administrator", "GET", f"/api/v1/nodes/{node}").json
    assert told["state"] == "rewound"
    assert [(fork["why"], fork["line"], fork["verdict"]) for fork in told["forks"]] == [("sibling", 1, None)]
    wrong = desk.api("administrator", "POST", f"/api/v1/nodes/{node}/lineage", json={"verdict": "both"})
    assert (wrong.status_code, wrong.json["code"]) == (422, "node.verdict")
    said = desk.api("administrator", "POST", f"/api/v1/nodes/{node}/lineage", json={"verdict": verdict})
    assert said.status_code == 200
    assert said.json["state"] == after
    again = desk.api("administrator", "POST", f"/api/v1/nodes/{node}/lineage", json={"verdict": verdict})
    assert again.json["code"] == "node.not-rewound"
    desk.hub.desk.settle()
    audit = desk.page("auditor", "/audit").get_data(as_text=True)
    assert "机器有了两段历史" in audit
    assert ("定为从备份恢复" if verdict == "restored" else "定为硬盘被复制") in audit


@pytest.mark.row("H35.10")
def test_a_copied_machine_is_closed_when_both_halves_have_drained(desk: Desk) -> None:
    node = "courier-halves"
    forked(desk.hub, node)
    path, page = f"/api/v1/nodes/{node}/close", f"/machines/{node}"
    assert desk.api("administrator", "POST", path, json={}).json["code"] == "node.not-copied"
    desk.api("administrator", "POST", f"/api/v1/nodes/{node}/lineage", json={"verdict": "copied"})
    with desk.hub.store.write() as unit:
        hub_lineage.told(desk.hub.store, unit, node, [(21, 1, 4), (22, 1, 3)])
    refused = desk.api("administrator", "POST", path, json={})
    assert (refused.json["code"], refused.json["fields"]["n"]) == ("node.not-drained", 7)
    shown = desk.page("administrator", page).get_data(as_text=True)
    assert "还有 7 条没送到" in shown and f"{page}/close" not in shown

    came(desk.hub, node, (21, 1, 4))
    assert desk.api("administrator", "POST", path, json={}).json["fields"]["n"] == 3, "one half alone is not enough"
    came(desk.hub, node, (22, 1, 3))
    assert f"{page}/close" in desk.page("administrator", page).get_data(as_text=True)
    asked = desk.api("administrator", "POST", f"{page}/close")
    assert asked.status_code in (200, 400), "the page asks first; without its token it does nothing"
    assert desk.hub.store.node_row(node).state == "rewound"  # type: ignore[union-attr]
    done = desk.api("administrator", "POST", path, json={})
    assert done.status_code == 200, done.text
    row = desk.hub.store.node_row(node)
    assert row is not None and row.state == "closed" and not row.counts
    assert desk.api("administrator", "POST", path, json={}).json["code"] == "node.not-copied"
    assert "编号已经关掉" in desk.page("administrator", page).get_data(as_text=True)
    desk.hub.desk.settle()
    assert "两台送完，关掉编号" in desk.page("auditor", "/audit").get_data(as_text=True)


def came(hub: Hub, node: str, head: tuple[int, int, int]) -> None:
    """The hub holds a stream up to there."""
    incarnation, lane, last = head
    with hub.store.write() as unit:
        unit.conn.execute(
            "INSERT INTO stream (node, incarnation, lane, own, last, head) VALUES (?, ?, ?, 0, ?, ?)",
            (node, incarnation, lane, last, bytes(32)),
        )


def stopped_stream(hub: Hub, node: str) -> str:
    """A machine of whose live stream two histories came: they agree up to 2, the hub holds 4, it told of 6."""
    with hub.store.write() as unit:
        add_node(
            unit, node=node, role="courier", name="手持机 二", signing_public=bytes(32), sealing_public=bytes(32),
            key_id=node.encode()[-8:], scopes=(), tls_serial=None, now_ms=1,
        )  # fmt: skip
        unit.conn.execute(
            "INSERT INTO stream (node, incarnation, lane, own, last, head, state) VALUES (?, 31, 1, 0, 4, ?, 1)",
            (node, bytes(32)),
        )
        stream = unit.conn.execute("SELECT id FROM stream WHERE node = ?", (node,)).fetchone()[0]
        unit.conn.execute("INSERT INTO frozen_stream (stream, good, found_at) VALUES (?, 2, 1)", (stream,))
        hub_lineage.told(hub.store, unit, node, [(31, 1, 6)])
    return f"{31:016x}/1"


@pytest.mark.parametrize("choice", ["reissue", "discard"])
@pytest.mark.row("H35.13")
def test_an_administrator_ends_a_stopped_stream(desk: Desk, choice: str) -> None:
    node = f"courier-{choice}"
    stream = stopped_stream(desk.hub, node)
    page = desk.page("administrator", f"/machines/{node}").get_data(as_text=True)
    assert "一路停住了" in page and f"/machines/{node}/thaw" in page
    path = f"/api/v1/nodes/{node}/thaw"
    bad = desk.api("administrator", "POST", path, json={"stream": "x", "choice": choice})
    assert bad.json["code"] == "stream.not-stopped"
    bad = desk.api("administrator", "POST", path, json={"stream": stream, "choice": "both"})
    assert bad.json["code"] == "stream.choice"
    silent = desk.api("administrator", "POST", path, json={"stream": stream, "choice": "discard"})
    assert silent.json["code"] == "node.reason"
    body = {"stream": stream, "choice": choice, "reason": "硬盘被复制"}
    assert desk.api("administrator", "POST", path, json=body).status_code == 200
    assert desk.api("administrator", "POST", path, json=body).json["code"] == "stream.not-stopped"
    desk.hub.desk.settle()
    signed = [one for one in desk.api("auditor", "GET", "/api/v1/losses").json["losses"] if one["node"] == node]
    if choice == "discard":
        [loss] = signed
        assert (loss["first"], loss["last"], loss["why"], loss["reason"]) == (3, 6, "discarded", "硬盘被复制")
        assert loss["signed_by"]
        assert "签过的缺失" in desk.page("administrator", f"/machines/{node}").get_data(as_text=True)
    else:
        assert signed == []


@pytest.mark.row("H35.13")
def test_a_loss_after_a_restore_is_signed_with_a_reason_and_only_once(desk: Desk) -> None:
    node = "courier-lossone"
    forked(desk.hub, node)
    with desk.hub.store.write() as unit:
        hub_lineage.told(desk.hub.store, unit, node, [(21, 1, 9)])
    page = desk.page("administrator", f"/machines/{node}").get_data(as_text=True)
    assert "再也送不来的" in page
    path = f"/api/v1/nodes/{node}/losses"
    assert desk.api("administrator", "POST", path, json={"reason": " "}).json["code"] == "node.reason"
    assert desk.api("administrator", "POST", path, json={"reason": "昨天的备份"}).status_code == 200
    desk.hub.desk.settle()
    again = desk.api("administrator", "POST", path, json={"reason": "昨天的备份"})
    assert again.json["code"] == "node.nothing-missing"
    told = [one for one in desk.api("auditor", "GET", "/api/v1/losses").json["losses"] if one["node"] == node]
    assert [(one["lane"], one["first"], one["last"], one["why"]) for one in told] == [(1, 1, 9, "rewound")]


def test_an_administrator_stops_a_machine_and_lets_it_go_on(desk: Desk) -> None:
    node = "courier-holdone"
    forked(desk.hub, node)
    path = f"/api/v1/nodes/{node}/hold"
    assert desk.api("administrator", "POST", path, json={"freeze": False}).json["code"] == "node.gone"
    assert desk.api("administrator", "POST", path, json={"freeze": True}).json["state"] == "frozen"
    assert "让它继续" in desk.page("administrator", f"/machines/{node}").get_data(as_text=True)
    assert desk.api("administrator", "POST", path, json={"freeze": True}).json["code"] == "node.gone"
    assert desk.api("administrator", "POST", path, json={"freeze": False}).json["state"] == "rewound"
