"""`python -m appliance --dir D`: run the box that lives in D until it is told to stop."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from provisioning.trust.told import SUITE_SENTENCES
from sync.adapters.turns import keep_what_stands, take_short_turns
from sync.kernel.outcome import PeerFault, Unavailable


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m appliance", description="Run one Waystation box.")
    parser.add_argument("--dir", type=Path, required=True, help="the box's directory")
    options = parser.parse_args()
    take_short_turns()
    from appliance.boot import Box

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        box = Box(options.dir, os.environ)
    except (PeerFault, Unavailable) as fault:
        said = SUITE_SENTENCES.get(fault.code)
        print(f"appliance: {said} [{fault.code}]" if said else f"appliance: {fault}", file=sys.stderr)
        return 1
    print(box.start(), flush=True)
    keep_what_stands()
    try:
        stop.wait()
    finally:
        box.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
