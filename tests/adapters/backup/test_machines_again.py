"""The list of machines is no fact; what the hub's own facts say of it since the backup counts all the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hub.boot import Hub
from hub.link.learning import learn_again
from provisioning.trust.enrol import scopes_for
from provisioning.trust.identity import make_identity
from sync.adapters.sqlite_log import hub_marks
from sync.adapters.sqlite_log.hub_store import add_node, set_node_state
from sync.domain.fleet import facts
from sync.kernel.suite import suite1
from sync.protocol.trust import Identity
from tests.adapters.backup.conftest import running, waystation
from tests.waiting import until

Site = Callable[[], Path]
KEPT, SHUT, NEW = "courier-aaaaaaaa", "courier-bbbbbbbb", "courier-cccccccc"


def identity(hub: Hub, node: str) -> Identity:
    """A machine that this hub signs for."""
    seed = hub.entropy.bytes(32)
    return Identity(
        node, "courier", 1, suite1.signing_public(seed), suite1.sealing_public(seed), hub.entropy.bytes(32), 1
    )


def enrol(hub: Hub, node: str) -> bytes:
    """Returns the record that the machine keeps."""
    made = identity(hub, node)
    with hub.store.write() as unit:
        add_node(
            unit, node=node, role="courier", name=node, signing_public=made.signing, sealing_public=made.sealing,
            key_id=suite1.key_id(made.signing), scopes=scopes_for("courier", ["W01"]), tls_serial=None, now_ms=1,
        )  # fmt: skip
        unit.append(facts.enrolled(node, "courier", f"hand-held {node[-1]}", made.signing, ["W01"]))
        unit.append(facts.scopes_set(node, 1, scopes_for("courier", ["W01"])))
    return make_identity(
        made, hub=hub.store.node, epoch=hub.store.epoch, signing_key=hub.trust.keys.signing, suite=suite1
    )


def test_who_was_shut_out_moved_or_joined_since_the_backup(site: Site) -> None:
    folder = site()
    with running(folder) as hub:
        for node in (KEPT, SHUT):
            enrol(hub, node)
        hub.desk.settle()
        assert waystation("backup", "create", "--dir", str(folder))[0] == 0
        assert hub.fleet.set_scopes(KEPT, ["W07", "W12"], "u-admin") is None
        assert hub.fleet.revoke(SHUT, "lost", "u-admin") is None
        joined = enrol(hub, NEW)
        assert hub.fleet.set_scopes(NEW, ["W15"], "u-admin") is None
        hub.desk.settle()
        expected = {row.node: (row.state, row.scope_version, row.scopes) for row in hub.store.nodes()}
        until(lambda: hub.backups.lag() == 0)
    code, back = waystation("backup", "restore", "--dir", str(folder))
    assert code == 0 and back["own_facts"] > 0, back
    with running(folder) as hub:
        hub.desk.settle()
        found = {row.node: (row.state, row.scope_version, row.scopes) for row in hub.store.nodes()}
        assert found == {node: expected[node] for node in (KEPT, SHUT)}
        assert learn_again(hub.store, hub.trust, joined)
        row = hub.store.node_row(NEW)
        assert row is not None and (row.state, row.scope_version, row.scopes) == expected[NEW]
        assert row.name == "hand-held c"


def test_shutting_out_that_was_cut_off_in_the_middle_is_finished_at_the_next_start(site: Site) -> None:
    """The list of machines is committed before the bundle is signed; nobody can ask for it a second time."""
    folder = site()
    with running(folder) as hub:
        enrol(hub, SHUT)
        with hub.store.write() as unit:
            set_node_state(unit, SHUT, "revoked")
            hub_marks.set_mark(unit.conn, SHUT, 7, 1, 3)
    with running(folder) as hub:
        (row,) = [row for row in hub.trust.bundle.trust.revoked if row.node == SHUT]
        assert list(row.last_good) == [(7, 1, 3)]
        version = hub.trust.bundle.trust.version
    with running(folder) as hub:
        assert hub.trust.bundle.trust.version == version, "once is enough"
