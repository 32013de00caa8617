"""A hub whose tables lie in PostgreSQL is backed up, rehearsed and put back by the same commands."""

from __future__ import annotations

from pathlib import Path

from provisioning.making.cluster import Cluster
from provisioning.making.directories import make_hub
from tests.adapters.backup.conftest import PASSWORD, hire, running, waystation
from tests.waiting import until


def test_a_hub_on_postgres_comes_back_with_what_it_wrote_since(tmp_path: Path, cluster: Cluster) -> None:
    folder, place = tmp_path / "hub", tmp_path / "place"
    place.mkdir()
    make_hub(
        folder, site="s", name="n", hosts=(), admin="u-admin", password=PASSWORD,
        settings={"backup": {"place": str(place)}, "store": {"url": cluster.new_tables()}},
    )  # fmt: skip
    with running(folder) as hub:
        hire(hub, "u-one")
        hub.desk.settle()
        code, made = waystation("backup", "create", "--dir", str(folder))
        assert code == 0 and made["verified"], made
        hire(hub, "u-two")
        until(lambda: hub.backups.lag() == 0)
    code, drill = waystation("backup", "drill", "--dir", str(folder))
    assert code == 0 and drill["restorable"], drill
    code, back = waystation("backup", "restore", "--dir", str(folder))
    assert code == 0 and back["own_facts"] > 0 and back["replaced"] is None, back
    with running(folder) as hub:
        assert hub.store.epoch == 2
        hire(hub, "u-three")
        hub.desk.settle()
        assert all(hub.people.one(user) is not None for user in ("u-one", "u-two", "u-three"))
