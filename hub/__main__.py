"""`python -m hub --dir D`: one hub from its directory, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from hub.boot import run
from sync.kernel.outcome import PeerFault, Unavailable


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m hub", description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="the hub's directory")
    asked = parser.parse_args(argv)
    ending = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: ending.set())
    try:
        run(asked.dir, dict(os.environ), lambda: _until(ending))
    except (PeerFault, Unavailable) as fault:
        print(f"hub: {fault}", file=sys.stderr)
        return 1
    return 0


def _until(ending: threading.Event) -> None:
    while not ending.wait(3600):
        pass


if __name__ == "__main__":
    raise SystemExit(main())
