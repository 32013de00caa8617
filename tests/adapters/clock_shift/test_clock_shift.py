"""The wall clock of a running box is set to 1970, to 2100 and back while it works: nothing is refused, nothing doubled.

The real service in a process of its own; only its wall clock lies, and it lies while the process runs.
"""

from __future__ import annotations

import itertools
import os
import select
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from hardware.twins.serial_gun import SerialGunTwin
from provisioning.bench import box as made
from sync.adapters.sqlite_log.digest import digest_some
from sync.adapters.sqlite_log.hub_feeds import Feeds
from sync.adapters.sqlite_log.node_store import load_state
from sync.domain.tracking import facts
from sync.kernel.codec import decode_fact
from sync.kernel.limits import CLOCK_CEILING_MS
from tests.adapters.damage.test_damaged_pages import drain, known_hub, make_store

HERE = Path(__file__).parent
PATIENCE_S = 60.0
DAY_S = 86_400
AT_EACH = 6
KEPT = {"one-high", "one-low"}


class Service:
    """The box's own program with a gun and a beeper, under the shifting clock."""

    def __init__(self, folder: Path, root: Path) -> None:
        library = folder.parent / "shift.so"
        subprocess.run(
            ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", library, HERE / "shift.c"],
            check=True,
        )
        self._shift = folder.parent / "shift"
        self.set(0)
        self._gun = SerialGunTwin()
        self._gun.start()
        made.make_box(folder, records=200, guns=[self._gun.url], tone=str(folder / "tone"))
        os.mkfifo(folder / "tone", 0o600)
        self._tone = os.open(folder / "tone", os.O_RDWR | os.O_NONBLOCK)
        environ = {**os.environ, "PYTHONPATH": str(root), "LD_PRELOAD": str(library), "CLOCK_SHIFT": str(self._shift)}
        subprocess.run([sys.executable, HERE / "open_round.py", folder], env=environ, cwd=root, check=True)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "appliance", "--dir", str(folder)], env=environ, cwd=root, stdout=subprocess.DEVNULL
        )
        assert self._gun.wait_connected(PATIENCE_S), "the box did not open its gun"

    def set(self, shift_s: int) -> None:
        """The wall clock is wrong by so much from now on; a half-written file is never read."""
        beside = self._shift.with_name("shift.new")
        beside.write_text(str(shift_s))
        os.replace(beside, self._shift)

    def scan(self, n: int) -> str:
        """The tone that answers the scan of record `n`."""
        self._gun.scan(made.record_no(n))
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            select.select([self._tone], [], [], 0.1)
            try:
                (word,) = os.read(self._tone, 4096).decode().split()
            except BlockingIOError:
                continue
            return word
        raise AssertionError("a scan was never answered")

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE_S)
        self._gun.close()
        os.close(self._tone)


@pytest.mark.row("H35.8")
def test_a_clock_set_while_a_box_works_refuses_nothing_and_every_scan_arrives_once(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder = tmp_path / "box"
    now_s = int(time.time())
    shifts = {
        "right": 0,
        "1970": 3600 - now_s,
        "2100": CLOCK_CEILING_MS // 1000 + DAY_S - now_s,
        "an hour back": -3600,
        "ten years on": 3650 * DAY_S,
        "right again": 0,
        "a day back": -DAY_S,
        "1970 again": -now_s,
        "right in the end": 0,
    }
    service = Service(folder, request.config.rootpath)
    tones: dict[str, set[str]] = {}
    n = 0
    try:
        for name, shift_s in shifts.items():
            service.set(shift_s)
            tones[name] = {service.scan(n + k) for k in range(AT_EACH)}
            n += AT_EACH
    finally:
        service.close()
    assert all(heard <= KEPT for heard in tones.values()), tones
    store = make_store(folder)
    hub = known_hub(tmp_path / "hub.db")
    try:
        with store.read() as conn:
            streams: dict[int, list[tuple[int, int]]] = {}
            for stream, raw in conn.execute("SELECT stream, fact FROM log ORDER BY stream, seq"):
                fact = decode_fact(raw)
                streams.setdefault(stream, []).append((fact.hlc, fact.clock))
        for stamps in streams.values():
            assert all(a[0] < b[0] for a, b in itertools.pairwise(stamps)), "a stamp went back"
        clocks = Counter(clock for stamps in streams.values() for _, clock in stamps)
        assert clocks[0] >= 3 * AT_EACH, "1970 and 2100 were not believed, and the facts say so"
        drain(store, hub, sign=True)
        drain(store, hub, sign=True)
        while digest_some(hub, Feeds(hub)).behind:
            pass
        with hub.read() as conn:
            stays = [load_state(conn, facts.STAY, facts.stay_key(made.record_no(k), "1")) for k in range(n)]
    finally:
        store.close()
        hub.close()
    assert [len(stay.collections) for stay in stays if stay is not None] == [1] * n


def test_the_shift_is_of_the_wall_clock_alone(tmp_path: Path) -> None:
    """The test's own proof: the process sees another year, and its sleeps last as long as before."""
    library = tmp_path / "shift.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, HERE / "shift.c"], check=True)
    (tmp_path / "shift").write_text("-1000000000")
    said = subprocess.run(
        [sys.executable, "-c", "import time; a = time.monotonic(); time.sleep(0.05); "
         "print(int(time.time()), time.monotonic() - a, int(time.clock_gettime(time.CLOCK_BOOTTIME)))"],
        env={**os.environ, "LD_PRELOAD": str(library), "CLOCK_SHIFT": str(tmp_path / "shift")},
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert abs(int(said[0]) + 1_000_000_000 - time.time()) < PATIENCE_S
    assert 0.05 <= float(said[1]) < PATIENCE_S
    assert abs(int(said[2]) - time.clock_gettime(time.CLOCK_BOOTTIME)) < PATIENCE_S
