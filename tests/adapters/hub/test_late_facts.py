"""A machine that is shut out: wholly before or wholly after, and what an administrator may still let count."""

from __future__ import annotations

import pytest

from hub.boot import Hub
from sync.adapters.sqlite_log import hub_marks
from sync.adapters.sqlite_log.hub_store import add_node
from sync.domain.fleet.facts import STREAM, STREAM_OPENED
from sync.kernel.codec import encode_fact
from sync.kernel.fact import Fact
from sync.kernel.ids import CONTROL
from sync.kernel.suite import suite1
from sync.protocol.batch import make_batch
from tests.adapters.hub.conftest import Desk

NODE, KEY, INC = "courier-late2345", bytes(range(32)), 41
STREAM_NAME = f"{INC:016x}/0"


def joined(hub: Hub) -> None:
    public = suite1.signing_public(KEY)
    with hub.store.write() as unit:
        add_node(
            unit, node=NODE, role="courier", name="手持机 三", signing_public=public, sealing_public=bytes(32),
            key_id=suite1.key_id(public), scopes=(), tls_serial=None, now_ms=1,
        )  # fmt: skip


class Sender:
    """The machine's chain, one fact a batch."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.seq = 0
        self.prev = bytes(32)

    def send(self) -> None:
        """The next batch at the door."""
        self.seq += 1
        body = {2: [], 3: 1, 4: "boot", 5: "test", 7: "start"}
        if self.seq == 1:
            fact = Fact(STREAM_OPENED, 1, STREAM, NODE, body, self.seq)
        else:
            fact = Fact(120, 1, 50, NODE, {1: f"note.n{self.seq}", 5: True}, self.seq)
        raw = make_batch(
            node=NODE, incarnation=INC, lane=CONTROL, first=self.seq, prev_hash=self.prev, items=[encode_fact(fact)],
            signing_key=KEY, hub_seal_key=suite1.sealing_public(self.hub.voice.keys.sealing), suite=suite1,
)  # fmt: skip
        self.prev = raw[80:112]
        self.hub.door.receive(raw, "https", NODE)

    def held(self) -> int:
        with self.hub.store.read() as conn:
            row = conn.execute("SELECT last FROM stream WHERE node = ?", (NODE,)).fetchone()
        return 0 if row is None else row[0]


@pytest.mark.row("H35.18")
def test_what_comes_after_revoking_is_kept_aside_until_an_administrator_lets_it_count(desk: Desk) -> None:
    hub = desk.hub
    joined(hub)
    sender = Sender(hub)
    for _ in range(3):
        sender.send()
    assert sender.held() == 3
    assert desk.api("administrator", "POST", f"/api/v1/nodes/{NODE}/revoke", json={"reason": "丢了"}).status_code == 200
    [revoked] = [row for row in hub.trust.bundle.trust.revoked if row.node == NODE]
    assert revoked.last_good == ((INC, CONTROL, 3),)
    for _ in range(4):
        sender.send()
    assert sender.held() == 3
    with hub.store.read() as conn:
        assert hub_marks.late(conn, NODE) == [hub_marks.Late(INC, CONTROL, 3, 7, 4)]
    page = desk.page("administrator", f"/machines/{NODE}").get_data(as_text=True)
    assert "吊销以后送来的" in page
    path = f"/api/v1/nodes/{NODE}/late"
    for bad in ({"upto": 3}, {"upto": 8}, {"stream": "x"}, {"stream": f"{INC:016x}/1"}):
        said = desk.api("administrator", "POST", path, json={"stream": STREAM_NAME, "upto": 5, "reason": "x", **bad})
        assert said.json["code"] == "stream.nothing-late", bad
    version = hub.trust.bundle.version
    body = {"stream": STREAM_NAME, "upto": 5, "reason": "当天的单子"}
    done = desk.api("administrator", "POST", path, json=body)
    assert (done.status_code, done.json["taken"]) == (200, 2)
    assert sender.held() == 5
    [revoked] = [row for row in hub.trust.bundle.trust.revoked if row.node == NODE]
    assert (revoked.last_good, hub.trust.bundle.version) == (((INC, CONTROL, 5),), version + 1)
    with hub.store.read() as conn:
        assert hub_marks.late(conn, NODE) == [hub_marks.Late(INC, CONTROL, 5, 7, 2)]
    sender.send()
    assert sender.held() == 5, "still shut out"
    again = desk.api("administrator", "POST", path, json=body)
    assert again.json["code"] == "stream.nothing-late"
    assert desk.api("administrator", "POST", path, json={**body, "upto": 8}).json["taken"] == 3


def test_a_machine_that_is_known_has_nothing_late(desk: Desk) -> None:
    body = {"stream": STREAM_NAME, "upto": 5, "reason": "x"}
    said = desk.api("administrator", "POST", "/api/v1/nodes/courier-nobody22/late", json=body)
    assert said.json["code"] == "node.gone"
