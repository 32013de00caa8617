"""Plug virtual devices in and out while a program runs. Runs under Debian's own python3, inside `umockdev-wrapper`.

`umockdev-wrapper /usr/bin/python3 hid_testbed.py PROGRAM ARGS…` reads words from its standard input: `plug DEVICE
[IOCTL]`, `unplug DEVICE`, `scan NODE EVENTS`, each with files as `hid_gun.py` writes them; `serial DEVICE NODE SCRIPT`
with files as `cdc_gun.py` writes them; `tell REST`, which goes on to the program; `quit`. It ends with the program's
exit code. umockdev keeps a node that is open readable after its removal, where the kernel answers ENODEV: what is shown
of a pulled plug is what udev says of it.

The GObject binding of umockdev belongs to the system's Python; this file therefore imports nothing of the product.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any


def told(description: str, letter: str) -> list[str]:
    """Of a description, what stands behind `letter: `."""
    return [line[3:] for line in description.splitlines() if line.startswith(f"{letter}: ")]


def obey(testbed: Any, child: Any, line: str) -> bool:
    """One word of standard input; False for `quit`."""
    word, *rest = line.split()
    if word == "quit":
        return False
    if word == "tell":
        child.stdin.write(" ".join(rest) + "\n")
        child.stdin.flush()
        return True
    if word == "scan":
        testbed.load_evemu_events(*rest)
        return True
    description = Path(rest[0]).read_text(encoding="ascii")
    if word == "plug":
        if len(rest) > 1:
            # Before anybody hears of the node: who opens it at once asks at once.
            testbed.load_ioctl("/dev/" + told(description, "N")[0], rest[1])
        testbed.add_from_string(description)
    elif word == "serial":
        testbed.add_from_string(description)
        testbed.load_script(*rest[1:])
    elif word == "unplug":
        for path in reversed(told(description, "P")):
            testbed.uevent("/sys" + path, "remove")
            testbed.remove_device("/sys" + path)
    return True


def main(argv: list[str]) -> int:
    importlib.import_module("gi").require_version("UMockdev", "1.0")
    testbed = importlib.import_module("gi.repository.UMockdev").Testbed.new()
    child = subprocess.Popen(argv, stdin=subprocess.PIPE, text=True)

    def listen() -> None:
        for line in sys.stdin:
            if not obey(testbed, child, line):
                break
        child.terminate()

    threading.Thread(target=listen, daemon=True).start()
    return child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
