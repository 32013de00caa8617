"""Plug in a virtual gun while a program runs. Runs under Debian's own python3, inside `umockdev-wrapper`:

`umockdev-wrapper /usr/bin/python3 hid_testbed.py DEVICE IOCTL -- PROGRAM ARGS…` reads words from its standard input:
`plug`, `scan FILE`, `quit`. It ends with the program's exit code. A pulled plug cannot be played: umockdev keeps a node
that is open readable after its removal, where the kernel answers ENODEV.

The GObject binding of umockdev belongs to the system's Python; this file therefore imports nothing of the product.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import threading
from pathlib import Path


def main(argv: list[str]) -> int:
    importlib.import_module("gi").require_version("UMockdev", "1.0")
    umockdev = importlib.import_module("gi.repository.UMockdev")
    device, ioctl, program = Path(argv[0]), Path(argv[1]), argv[argv.index("--") + 1 :]
    description = device.read_text(encoding="ascii")
    node = "/dev/" + next(line[3:] for line in description.splitlines() if line.startswith("N: "))
    testbed = umockdev.Testbed.new()
    child = subprocess.Popen(program, stdin=subprocess.DEVNULL)

    def obey() -> None:
        for line in sys.stdin:
            word, _, rest = line.strip().partition(" ")
            if word == "plug":
                testbed.add_from_string(description)
                testbed.load_ioctl(node, str(ioctl))
            elif word == "scan":
                testbed.load_evemu_events(node, rest)
            else:
                child.terminate()
                return

    threading.Thread(target=obey, daemon=True).start()
    return child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
