"""What hangs on a machine, at the administrator's screen: told in its greetings, in its own page's words."""

from __future__ import annotations

import pytest

from sync import catalog
from sync.adapters.sqlite_log.hub_contact import Told, note_hellos
from sync.adapters.sqlite_log.hub_store import add_node
from sync.kernel import canonical
from sync.kernel.outcome import PeerFault
from sync.kernel.suite import suite1
from sync.protocol import message
from sync.protocol.hello import Hello, HelloDevice
from tests.adapters.hub.conftest import Desk

DEVICES = (
    HelloDevice("gun", "gun-1", "lost", "device.unplugged"),
    HelloDevice("gun", "gun-2", "ready", ""),
    HelloDevice("printer", "receipt-printer", "attention", "paper-out"),
    HelloDevice("kettle", "<b>kettle</b>", "boiling", "whatever"),
)


@pytest.mark.row("F10.24")
def test_an_administrator_sees_what_is_wrong_with_a_machine_s_devices(desk: Desk) -> None:
    store, node = desk.hub.store, "courier-withgun2"
    with store.write() as unit:
        add_node(
            unit, node=node, role="courier", name="手持机 五", signing_public=bytes(32), sealing_public=bytes(32),
            key_id=node.encode()[-8:], scopes=(), tls_serial=None, now_ms=1,
        )  # fmt: skip
    body = Hello("waystation", 7, 1, (), schema_digest=catalog.schema_digest(), devices=DEVICES).body()
    raw = message.make_message(
        message.HELLO, body, signer=node, audience=store.node, epoch=1, signing_key=bytes(32), suite=suite1
    )
    note_hellos(store, [Told(node, raw, "https", ())])
    told = desk.api("administrator", "GET", f"/api/v1/nodes/{node}").json["devices"]
    assert told[0] == {"role": "gun", "name": "gun-1", "state": "lost", "reason": "device.unplugged"}
    page = desk.page("administrator", f"/machines/{node}").get_data(as_text=True)
    assert "没有插着" in page and "把线插回原来那个口" in page and "没纸了" in page
    # A word this hub does not know is no good news, and no markup.
    assert "要人看一下" in page and "<b>kettle</b>" not in page
    for path in ("/", "/machines"):
        assert "3 个设备要人看一下" in desk.page("administrator", path).get_data(as_text=True)


def test_a_greeting_without_devices_is_as_it_was_and_one_with_wrong_ones_is_refused() -> None:
    plain = Hello("waystation", 7, 1, ())
    assert 17 not in plain.body()
    read = canonical.decode(canonical.encode(dict(Hello("w", 7, 1, (), devices=DEVICES).body())))
    assert Hello.read(read).devices == DEVICES
    for wrong in ([["gun", "a", "b"]], [["gun", "n" * 61, "ready", ""]], [["gun", "n", "ready", 1]], "gun"):
        with pytest.raises(PeerFault, match=r"hello\.body"):
            Hello.read({**read, 17: wrong})
