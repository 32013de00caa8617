"""What the shell says of a hub whose tables lie in PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.cli import look
from provisioning.cli.rebuilding import rebuild
from provisioning.demo.judge import verify
from provisioning.making.cluster import Cluster
from provisioning.making.directories import make_hub
from sync.adapters.postgres.connection import connect


@pytest.fixture
def made(tmp_path: Path, cluster: Cluster) -> tuple[Path, str]:
    url = cluster.new_tables()
    folder = tmp_path / "hub"
    make_hub(
        folder,
        site="site",
        name="",
        hosts=(),
        admin="u-admin",
        password="invented password",
        settings={"store": {"url": url}},
    )
    return folder, url


def test_status_and_facts_are_read_where_the_tables_are(made: tuple[Path, str]) -> None:
    folder, _ = made
    assert [each["last"] for each in look.status(folder)["streams"]] == [1, 3]
    with look.database(folder) as conn:
        assert look.is_hub(conn)
        assert len(list(look.facts(conn, None))) == 4
    assert not (folder / "data" / "node.db").exists()


def test_the_verifier_names_the_first_bad_row_there_too(made: tuple[Path, str]) -> None:
    folder, url = made
    whole = verify([folder])
    assert whole["ok"] and whole["nodes"][0]["hub"] and whole["nodes"][0]["facts"] == 4
    conn = connect(url, None, name="forger", writes=True)
    conn.execute("UPDATE log SET fact = ? WHERE seq = 2", (b"other",))
    conn.close()
    found = verify([folder])
    assert not found["ok"] and "/2: the chain does not hold" in found["nodes"][0]["faults"][0]


def test_query_tables_are_made_again_there(made: tuple[Path, str]) -> None:
    folder, _ = made
    assert rebuild(folder)["same"]
