"""A machine whose software is too old for the hub, at the administrator's screen."""

from __future__ import annotations

import pytest

from sync import catalog
from sync.adapters.sqlite_log.hub_contact import Told, note_hellos
from sync.adapters.sqlite_log.hub_store import add_node
from sync.kernel.suite import suite1
from sync.protocol import message
from sync.protocol.hello import Hello
from tests.adapters.hub.conftest import Desk


@pytest.mark.row("I25.4")
def test_an_administrator_sees_whose_software_is_too_old(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "SCHEMAS", {bytes(8): 1, catalog.schema_digest(): 4})
    store, node = desk.hub.store, "courier-oldsoft2"
    with store.write() as unit:
        add_node(
            unit, node=node, role="courier", name="手持机 三", signing_public=bytes(32), sealing_public=bytes(32),
            key_id=node.encode()[-8:], scopes=(), tls_serial=None, now_ms=1,
        )  # fmt: skip
    for number, (schema, state) in enumerate(((bytes(8), "outdated"), (catalog.schema_digest(), "online")), 1):
        body = Hello("waystation", 7, number, (), schema_digest=schema).body()
        raw = message.make_message(
            message.HELLO, body, signer=node, audience=store.node, epoch=1, signing_key=bytes(32), suite=suite1
        )
        note_hellos(store, [Told(node, raw, "https", ())])
        assert desk.api("administrator", "GET", f"/api/v1/nodes/{node}").json["state"] == state
        page = desk.page("administrator", f"/machines/{node}").get_data(as_text=True)
        assert ("软件太旧" in page) is (state == "outdated")
