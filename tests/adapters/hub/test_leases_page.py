"""Leases at the administrator's screen and in the API: granted, agreed to, taken back, looked at, in the audit list."""

from __future__ import annotations

import pytest

from hub.boot import Hub
from sync.adapters.leases import hub_tables
from sync.adapters.sqlite_log.hub_store import add_node
from sync.kernel.suite import suite1
from sync.protocol.lease import GLASS, NUMBER, READ, WANT, Ask
from tests.adapters.hub.conftest import Desk

GRANT = {"kind": "read", "resource": "record:W12", "units": 20, "hours": 24, "purpose": "查房"}


def machine(hub: Hub, node: str) -> str:
    with hub.store.write() as unit:
        add_node(
            unit, node=node, role="courier", name="平板 一", signing_public=bytes(32),
            sealing_public=suite1.sealing_public(bytes([7]) * 32), key_id=node.encode()[-8:], scopes=("site",),
            tls_serial=None, now_ms=1,
        )  # fmt: skip
    return node


@pytest.mark.row("E05.1")
def test_an_administrator_grants_and_takes_back(desk: Desk) -> None:
    node = machine(desk.hub, "courier-leaseaaa")
    path = f"/api/v1/nodes/{node}/leases"
    assert desk.api("clerk", "POST", path, json=GRANT).status_code == 403
    made = desk.api("administrator", "POST", path, json=GRANT)
    assert made.status_code == 200
    (line,) = made.json["leases"]
    assert (line["kind"], line["units"], line["used"], line["state"]) == ("read", 20, 0, "open")
    label = f"grant:{line['id']}"
    row = desk.hub.store.node_row(node)
    assert row is not None and label in row.scopes
    page = desk.page("administrator", f"/machines/{node}").get_data(as_text=True)
    assert "阅览许可" in page and f"/leases/{line['id']}/void" in page and "查房" in page
    english = desk.page("administrator", f"/machines/{node}?lang=en").get_data(as_text=True)
    assert "Reading grant" in english and "Grant something to this machine" in english
    assert "查房" not in desk.page("clerk", f"/machines/{node}").get_data(as_text=True)
    assert desk.api("administrator", "POST", f"/api/v1/leases/{line['id']}/void").status_code == 200
    row = desk.hub.store.node_row(node)
    assert row is not None and label not in row.scopes
    again = desk.api("administrator", "POST", f"/api/v1/leases/{line['id']}/void")
    assert (again.status_code, again.json["code"]) == (422, "lease.not-open")
    desk.hub.desk.settle()
    audit = desk.page("auditor", "/audit").get_data(as_text=True)
    assert "给了许可" in audit and "作废租约" in audit


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"kind": "number"}, "lease.kind"), ({"resource": "张三"}, "lease.resource"), ({"units": 0}, "lease.bounds"),
        ({"hours": 99999}, "lease.bounds"), ({"offline_hours": 25}, "lease.bounds"),
        ({"purpose": " "}, "lease.purpose"),
    ],
)  # fmt: skip
def test_a_grant_without_bounds_or_purpose_is_refused(desk: Desk, change: dict[str, object], code: str) -> None:
    node = "courier-leasebbb"
    if desk.hub.store.node_row(node) is None:
        machine(desk.hub, node)
    said = desk.api("administrator", "POST", f"/api/v1/nodes/{node}/leases", json={**GRANT, **change})
    assert (said.status_code, said.json["code"]) == (422, code)
    assert desk.api("administrator", "GET", f"/api/v1/nodes/{node}/leases").json["leases"] == []


def test_what_a_machine_asks_for_waits_for_a_person(desk: Desk) -> None:
    node = machine(desk.hub, "courier-leaseccc")
    row = desk.hub.store.node_row(node)
    assert row is not None
    for request, resource in enumerate(("record:W12", "record:W13"), 1):
        desk.hub.office.answer(row, Ask(request, WANT, 9, READ, resource, 5, 600, "u-1", "ward", "查房"))
    path = f"/api/v1/nodes/{node}/leases"
    one, two = desk.api("administrator", "GET", path).json["asked"]
    assert "等人同意" in desk.page("administrator", f"/machines/{node}").get_data(as_text=True)
    agreed = desk.api("administrator", "POST", f"/api/v1/leases/{one['id']}/agree").json
    assert [line["resource"] for line in agreed["leases"]] == [one["resource"]]
    refused = desk.api("administrator", "POST", f"/api/v1/leases/{two['id']}/refuse").json
    assert refused["asked"] == []
    assert desk.api("administrator", "POST", f"/api/v1/leases/{two['id']}/agree").json["code"] == "lease.not-waiting"
    assert desk.api("administrator", "POST", "/api/v1/leases/nonsense/void").json["code"] == "lease.unknown"


@pytest.mark.row("E05.4")
def test_break_glass_stands_before_somebody_until_it_is_looked_at(desk: Desk) -> None:
    node = machine(desk.hub, "courier-leaseddd")
    row = desk.hub.store.node_row(node)
    assert row is not None
    desk.hub.office.answer(row, Ask(1, WANT, 9, GLASS, "record:W12", 5, 600, "u-1", "ward", "抢救"))
    (review,) = desk.api("administrator", "GET", f"/api/v1/nodes/{node}/leases").json["reviews"]
    assert (review["code"], review["reason"]) == ("break-glass-asked", "抢救")
    client = desk.client()
    looked = client.post(
        f"/machines/{node}/leases/looked",
        data={"about": review["about"], "code": review["code"]},
        headers={"Authorization": f"Bearer {desk.tokens['administrator']}"},
    )
    assert looked.status_code == 303
    assert desk.api("administrator", "GET", f"/api/v1/nodes/{node}/leases").json["reviews"] == []


def test_other_wards_leave_the_grants_of_a_machine_alone(desk: Desk) -> None:
    node = machine(desk.hub, "courier-leaseeee")
    line = desk.api("administrator", "POST", f"/api/v1/nodes/{node}/leases", json=GRANT).json["leases"][0]
    assert desk.api("administrator", "POST", f"/api/v1/nodes/{node}/wards", json={"wards": ["W07"]}).status_code == 200
    row = desk.hub.store.node_row(node)
    assert row is not None and {"ward:W07", f"grant:{line['id']}"} <= set(row.scopes)


def test_blocks_are_shown_with_what_was_used(desk: Desk) -> None:
    node = machine(desk.hub, "courier-leasefff")
    row = desk.hub.store.node_row(node)
    assert row is not None
    desk.hub.office.answer(row, Ask(1, WANT, 9, NUMBER, "ticket:hall-1", 50))
    (line,) = desk.api("administrator", "GET", f"/api/v1/nodes/{node}/leases").json["leases"]
    assert (line["kind"], line["units"], line["left_s"]) == ("number", 50, None)
    with desk.hub.store.read() as conn:
        assert len(hub_tables.open_ids(conn, node)) == 1
