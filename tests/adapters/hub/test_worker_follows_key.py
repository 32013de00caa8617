"""A further worker signs with the hub's key of the day: it follows the files that the first worker writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.settings import read_settings
from hub.worker import Worker
from provisioning.making import directories
from provisioning.making.cluster import Cluster
from provisioning.trust.site import open_site
from sync.adapters.clock import ShiftedClock, SystemClock
from sync.adapters.idgen import SystemEntropy
from sync.kernel.limits import HUB_KEY_AHEAD_MS
from sync.kernel.outcome import Refused, Unavailable


class Clock(ShiftedClock):
    """A clock that is moved on."""

    def pass_ms(self, span_ms: int) -> None:
        self._offset_ms += span_ms


@pytest.mark.row("H01.2")
def test_a_worker_goes_over_with_the_first_and_ends_where_the_key_is_missing(
    tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, folder = Clock(SystemClock(), 0), tmp_path / "hub"
    monkeypatch.setattr(directories, "SystemClock", lambda: clock)
    settings = {"store": {"url": cluster.new_tables()}}
    directories.make_hub(folder, site="s", name="", hosts=(), admin="u-admin", password="invented", settings=settings)
    first, ended = open_site(folder / "keys"), list[Unavailable]()
    worker = Worker(folder, read_settings(folder, {}), 2, "test", clock, SystemEntropy(), ended.append)
    before = first.keys.key_id

    def order() -> None:
        now_ms = clock.wall_ms()
        assert not isinstance(first.order_key(now_ms + HUB_KEY_AHEAD_MS, now_ms=now_ms, epoch=1), Refused)

    try:
        order()
        worker.follow_trust()
        assert (worker.voice.key_id, worker.voice.trust().version) == (before, 2)  # type: ignore[union-attr]
        clock.pass_ms(HUB_KEY_AHEAD_MS + 1000)
        worker.follow_trust()
        assert worker.voice.key_id == before and not ended, "the first worker puts it in force"
        assert first.settle_key(clock.wall_ms(), 1)
        worker.follow_trust()
        assert worker.voice.key_id == first.keys.key_id != before
        assert worker.voice.own_key(first.hub, before) is not None
        order()
        (folder / "keys" / "signing.next").unlink()
        clock.pass_ms(HUB_KEY_AHEAD_MS + 1000)
        worker.follow_trust()
        assert [fault.code for fault in ended] == ["hub.key-missing"]
        with pytest.raises(Unavailable, match=r"hub\.key-missing"):
            worker.start()
    finally:
        worker.store.close()
