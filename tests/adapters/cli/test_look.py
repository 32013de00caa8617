"""Commands that look at a node's directory, run as a person runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from appliance.projections import folded_projectors
from provisioning.trust.node_keys import make_keys
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SeededEntropy
from sync.adapters.keys import create_secret
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.connection import connect
from sync.domain.tracking import facts
from sync.kernel.suite import suite1

NODE, KEY = "courier-aaaaaaaa", bytes(range(32))
ROOT = Path(__file__).parents[3]


def waystation(*words: str) -> tuple[int, Any]:
    done = subprocess.run([sys.executable, "-c", "from provisioning.cli import main; main()", *words],
                          capture_output=True, check=False, cwd=ROOT)  # fmt: skip
    assert b"Traceback" not in done.stderr, done.stderr.decode()[-1500:]
    return done.returncode, json.loads(done.stdout) if "--json" in words and done.stdout else done.stdout.decode()


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """A stopped box with three scans."""
    (tmp_path / "data").mkdir()
    (tmp_path / "keys").mkdir(mode=0o700)
    create_secret(tmp_path / "keys" / "store.key", KEY)
    store = ApplianceStore(
        tmp_path / "data" / "node.db",
        KEY,
        node=NODE,
        role="courier",
        clock=SystemClock(),
        entropy=SeededEntropy(1),
        projectors=folded_projectors(suite1),
    )
    store.start_incarnation("test")
    for n in range(3):
        with store.write(actor="u-luo") as unit:
            unit.append(
                facts.collected(
                    f"0073{n:04d}-1",
                    round_key=f"{NODE}.00000001",
                    ward="W01",
                    verdict="good",
                    how="gun",
                    read_no=f"0073{n:04d}",
                    at_ms=n,
                    list_as_of_ms=0,
                )
            )
    store.close()
    return tmp_path


def test_status_counts_what_waits(box: Path) -> None:
    code, told = waystation("status", "--dir", str(box), "--json")
    assert code == 0 and told["outbox"]["count"] == 5
    assert 0 <= told["outbox"]["oldest_s"] < 600 and told["running"] is False
    assert [s["lane"] for s in told["streams"]] == [0, 1] and told["key"] is None


def test_status_tells_the_key_that_a_box_goes_over_to(box: Path) -> None:
    keys = make_keys(box / "keys", SeededEntropy(4), suite1)
    _, told = waystation("status", "--dir", str(box), "--json")
    assert told["key"] == {"id": keys.key_id.hex(), "next": None}
    code, refused = waystation("provision", "renew", "--dir", str(box), "--json")
    assert code == 1 and "provision.not-joined" in str(refused), "a box that nobody knows has nobody to tell"
    coming = keys.files.draw()
    _, told = waystation("status", "--dir", str(box), "--json")
    assert told["key"]["next"] == suite1.key_id(suite1.signing_public(coming)).hex()


def test_facts_of_one_entity_and_where_one_went(box: Path) -> None:
    code, told = waystation("facts", "--dir", str(box), "--entity", "stay/00730001-1", "--json")
    assert code == 0
    assert [(f["kind"], f["entity"], f["actor"]) for f in told] == [("stay.collected", "stay", "u-luo")]
    code, found = waystation("explain", told[0]["id"], "--dir", str(box), "--json")
    assert code == 0 and found["held"] and found["acknowledged"] is False


def test_a_fact_nobody_has_ends_with_one(box: Path) -> None:
    code, found = waystation("explain", f"{NODE}/0000000000000001/1/9", "--dir", str(box), "--json")
    assert code == 1 and found == {"held": False, "id": f"{NODE}/0000000000000001/1/9"}


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("status", "--dir", "/nowhere", "--json"), "node.absent"),
        (("facts", "--dir", "/nowhere", "--json"), "node.absent"),
        (("facts", "--dir", "/nowhere", "--entity", "moon/1", "--json"), "entity"),
    ],
)
def test_a_wrong_question_gets_a_code_and_no_traceback(words: tuple[str, ...], error: str) -> None:
    code, told = waystation(*words)
    assert (code, told["error"]) == (1, error)
    assert told["sentence"].endswith(f"[{error}]") and len(told["sentence"]) > 30


def test_rebuild_brings_the_tables_back(box: Path) -> None:
    assert waystation("rebuild", "--dir", str(box), "--json")[1]["same"] is True
    conn = connect(box / "data" / "node.db", KEY, writes=True)
    conn.execute("UPDATE custody_stay SET state = 'received' WHERE key = '00730001-1'")
    conn.close()
    assert waystation("rebuild", "--dir", str(box), "--json")[1]["same"] is False
    assert waystation("rebuild", "--dir", str(box), "--json")[1]["same"] is True


def test_verify_names_damage(box: Path) -> None:
    code, told = waystation("verify", "--dir", str(box), "--json")
    assert code == 0 and told["ok"]
    conn = connect(box / "data" / "node.db", KEY, writes=True)
    conn.execute("UPDATE log SET fact = x'a0' WHERE seq = 3")
    conn.close()
    code, told = waystation("verify", "--dir", str(box), "--json")
    assert code == 1 and "/3: the chain" in told["nodes"][0]["faults"][0]
