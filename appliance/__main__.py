"""`python -m appliance --dir D`: run the box that lives in D until it is told to stop."""

from __future__ import annotations

import argparse
import os
import signal
import threading
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m appliance", description="Run one Waystation box.")
    parser.add_argument("--dir", type=Path, required=True, help="the box's directory")
    options = parser.parse_args()
    from appliance.boot import Box

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    box = Box(options.dir, os.environ)
    print(box.start(), flush=True)
    try:
        stop.wait()
    finally:
        box.close()


if __name__ == "__main__":
    main()
