"""A hand with a gun and an ear, in a process of its own, as guns and beepers are.

`python -m provisioning.bench.hand TONE DATABASE` prints the gun's port, then answers each line `FIRST COUNT` on its
input with one line of JSON: for every scan when its last byte was about to leave, when its tone was heard, and how
long the bare commit took that followed it. A negative count is that many bare commits alone. Times are the monotonic
clock's, which all processes share.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from hardware.twins.serial_gun import SerialGunTwin
from provisioning.bench.box import record_no
from provisioning.bench.commits import BareCommit

REST_S = 0.002
"""Scans come from rest, hundreds of milliseconds apart; so that neither side profits, the commit does too."""
PATIENCE_S = 30.0


def main() -> None:
    tone = os.open(sys.argv[1], os.O_RDWR)
    bare = BareCommit(Path(sys.argv[2]), bytes(32))
    gun = SerialGunTwin()
    gun.start()
    print(gun.port, flush=True)
    for line in sys.stdin:
        first, count = (int(word) for word in line.split())
        if count < 0:
            for _ in range(-count):
                bare.once_s()
            print(flush=True)
            continue
        if not gun.wait_connected(PATIENCE_S):
            raise ConnectionError("the box did not open its gun")
        print(json.dumps([_once(gun, tone, bare, n) for n in range(first, first + count)]), flush=True)
    gun.close()
    bare.close()


def _once(gun: SerialGunTwin, tone: int, bare: BareCommit, n: int) -> tuple[float, float, float]:
    time.sleep(REST_S)
    began_s = time.monotonic()
    gun.scan(record_no(n))
    word = os.read(tone, 64)
    heard_s = time.monotonic()
    assert word == b"one-high\n", word
    time.sleep(REST_S)
    return began_s, heard_s, bare.once_s()


if __name__ == "__main__":
    main()
