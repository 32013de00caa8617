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
