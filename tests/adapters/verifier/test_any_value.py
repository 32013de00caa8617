"""Whatever stands in a place that the verifier reads: a sentence, no traceback, nothing of a patient."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.verifier import waystation_verify
from sync.adapters.sqlite_log.connection import DatabaseError, connect
from tests.adapters.verifier.test_verifier import KEY, Pair
from tests.adapters.verifier.test_verifier import pair as pair

READ = {
    "stream": ("node", "incarnation", "lane", "own", "last", "head", "acked"),
    "log": ("seq", "h", "status", "fact"),
    "arrival": ("pos", "stream", "header"),
    "node": ("node", "signing_public"),
    "meta": ("value",),
}
"""What it reads, by table."""
VALUES = ("NULL", "''", "'word'", "x''", "x'ff00'", "-1", "300", "9223372036854775807", "1.5", "zeroblob(32)",
          "CAST({0} AS TEXT)", "CAST(substr({0}, 1, 1) || x'ff' AS TEXT)", "{0} || x'ff'")  # fmt: skip
ROW = {"log": "seq = 7", "meta": "name = 'suite'", "stream": "lane = 1 AND last > 1", "arrival": "pos = 2"}


def damages() -> Iterator[str]:
    for table, columns in READ.items():
        for column in columns:
            for value in VALUES:
                where = ROW.get(table, "1")
                yield f"UPDATE {table} SET {column} = {value.format(column)} WHERE {where}"


@pytest.mark.row("H35.7")
def test_any_value_in_any_place_is_answered_with_a_sentence(
    pair: Pair, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Pair(tmp_path / "now" / "hub.db", tmp_path / "now" / "box.db", pair.key)
    judged, found = 0, 0
    for of, to, beside in ((pair.hub, other.hub, other.box), (pair.box, other.box, other.hub)):
        for sql in damages():
            shutil.rmtree(tmp_path / "now", ignore_errors=True)
            (tmp_path / "now").mkdir()
            shutil.copy(of, to)
            shutil.copy(pair.box if beside == other.box else pair.hub, beside)
            if not spoilt(to, sql):
                continue
            nodes = [f"{path}:{pair.key}" for path in (other.hub, other.box)]
            code = waystation_verify.main(["--json", "--node", nodes[0], "--node", nodes[1]])
            said = capsys.readouterr()
            document = json.loads(said.out)
            assert code == (0 if document["ok"] else 1), sql
            assert "0073" not in said.out + said.err, f"{sql}: {said.out}"
            judged += 1
            found += code
    assert judged > 300 and found > judged * 2 // 3, (judged, found)


def spoilt(path: Path, sql: str) -> bool:
    """Whether the table took it."""
    conn = connect(path, KEY, writes=True)
    try:
        conn.execute("PRAGMA synchronous = OFF")
        conn.execute("PRAGMA foreign_keys = 0")
        done = conn.execute(sql).rowcount
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return done > 0
    except DatabaseError:
        return False
    finally:
        conn.close()
