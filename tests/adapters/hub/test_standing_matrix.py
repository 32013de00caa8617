"""Every standing of a machine at the hub against everything an administrator may say of it.

Source: protocol way/1, section 9, "Hub session per node"; what a pair leaves out is refused and changes nothing.
"""

from __future__ import annotations

from itertools import count

import pytest

from sync.adapters.sqlite_log import hub_lineage
from sync.adapters.sqlite_log.hub_store import add_node, set_node_state
from sync.domain.fleet.facts import STREAM, STREAM_OPENED
from sync.kernel.fact import Fact
from sync.kernel.ids import CONTROL, FactId
from tests.adapters.hub.conftest import Desk

SAID = ("restored", "copied", "hold", "go on", "revoke")
AFTER = {
    "known": ("node.not-rewound", "node.not-rewound", "frozen", "node.gone", "revoked"),
    "rewound": ("known", "rewound", "frozen", "node.gone", "revoked"),
    "rewound, a copy": ("node.not-rewound", "node.not-rewound", "frozen", "node.gone", "revoked"),
    "frozen": ("node.not-rewound", "node.not-rewound", "node.gone", "known", "revoked"),
    "rewound and frozen": ("frozen", "frozen", "node.gone", "rewound", "revoked"),
    "revoked": ("node.not-rewound", "node.not-rewound", "node.gone", "node.gone", "node.gone"),
    "closed": ("node.not-rewound", "node.not-rewound", "node.gone", "node.gone", "node.gone"),
}
"""Standing → for each of SAID the standing after it, or the code it is refused with."""
NUMBERS = count(1)


def stands(desk: Desk, standing: str) -> str:
    """A machine of this standing, brought there as in service."""
    node = f"courier-stand{next(NUMBERS):03d}"
    store = desk.hub.store
    with store.write() as unit:
        add_node(
            unit, node=node, role="courier", name="手持机", signing_public=bytes(32), sealing_public=bytes(32),
            key_id=node.encode()[-8:], scopes=(), tls_serial=None, now_ms=1,
        )  # fmt: skip
        for incarnation in (21, 22) if standing.startswith("rewound") else ():
            fact = Fact(STREAM_OPENED, 1, STREAM, node, {2: [], 3: 1, 4: "boot", 5: "test", 7: "start"}, 1)
            hub_lineage.opened(store, unit.conn, FactId(node, incarnation, CONTROL, 1), fact)
            hub_lineage.learnt(store, unit, node, incarnation, opening=True)
        if standing == "closed":
            set_node_state(unit, node, "closed")
    for word in {"rewound, a copy": ("copied",), "frozen": ("hold",), "rewound and frozen": ("hold",),
                 "revoked": ("revoke",)}.get(standing, ()):  # fmt: skip
        assert say(desk, node, word) is None
    return node


def say(desk: Desk, node: str, word: str) -> str | None:
    """The code it is refused with."""
    path, body = {
        "restored": ("lineage", {"verdict": "restored"}),
        "copied": ("lineage", {"verdict": "copied"}),
        "hold": ("hold", {"freeze": True}),
        "go on": ("hold", {"freeze": False}),
        "revoke": ("revoke", {"reason": "left in a taxi"}),
    }[word]
    told = desk.api("administrator", "POST", f"/api/v1/nodes/{node}/{path}", json=body)
    assert told.status_code in (200, 409, 422), told.json
    return None if told.status_code == 200 else str(told.json["code"])


@pytest.mark.parametrize("standing", AFTER)
@pytest.mark.row("H35.10")
def test_what_may_be_said_of_a_machine_in_each_standing(desk: Desk, standing: str) -> None:
    for word, after in zip(SAID, AFTER[standing], strict=True):
        node = stands(desk, standing)
        before = desk.hub.store.node_row(node)
        refused = say(desk, node, word)
        row = desk.hub.store.node_row(node)
        assert row is not None and before is not None
        assert (refused or row.state) == after, word
        if refused:
            assert row == before, word


@pytest.mark.row("H35.10")
def test_nothing_may_be_said_of_a_machine_that_never_was(desk: Desk) -> None:
    for word in SAID:
        assert say(desk, "courier-nobody00", word) in ("node.not-rewound", "node.gone"), word
