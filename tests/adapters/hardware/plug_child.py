"""The guns of a machine as a program of its own, for tests that plug devices in and out around it.

Says one JSON document a line: what a device's state became, what was scanned, what was grabbed. Takes `bind NAME PORT
[SERIAL]`, `pair NAME CODE`, `off NAME`, `on NAME`, `size` on standard input.
"""

import json
import os
import sys
import threading
import time
from typing import Any

from hardware.drivers.gun_rack import GunRack
from hardware.drivers.plugs import Plugs
from hardware.drivers.supervisor import Supervisor
from hardware.ports import Identity, Plug
from hardware.transports.evdev_input import EVIOCGRAB
from hardware.transports.udev import UdevWatch

SAYING = threading.Lock()


def say(what: str, **more: Any) -> None:
    with SAYING:
        print(json.dumps({"what": what, **more}), flush=True)


OPENED = threading.local()


def audit(event: str, args: tuple[Any, ...]) -> None:
    """The interpreter itself tells of every file that is opened and of every ioctl, before it happens."""
    if event == "open" and str(args[0]).startswith("/dev/input/"):
        OPENED.node = str(args[0])
    elif event == "fcntl.ioctl" and args[1] == EVIOCGRAB:
        say("grab", node=OPENED.node)


def main() -> None:
    sys.addaudithook(audit)
    plugs = Plugs()
    supervisor = Supervisor(
        time.monotonic, lambda view: say("state", name=view.name, state=view.state, reason=view.reason)
    )
    rack = GunRack(
        supervisor,
        plugs,
        on_scan=lambda scan: say("scan", name=scan.device, text=scan.text),
        on_trouble=lambda trouble: say("trouble", name=trouble.device, code=trouble.code),
        mono_s=time.monotonic,
        draw=lambda: 0.999,
    )
    watch = UdevWatch(plugs.plugged, plugs.unplugged)
    watch.start()
    rack.start()
    plugs.listen(lambda plug, here: say("plug", path=plug.path, here=here))

    def paired(name: str, plug: Plug) -> None:
        rack.bind(name, plug.line, plug.identity)
        say("paired", name=name, port=plug.identity.port)

    say("up")
    for line in sys.stdin:
        word, *rest = line.split()
        if word == "bind":
            rack.bind(rest[0], "hid", Identity(rest[1], "1eab", "8003", *rest[2:]))
        elif word == "pair":
            name = rest[0]
            opened = rack.pair(name, rest[1], 60.0, lambda plug, name=name: paired(name, plug))
            say("pairing", ears=opened.ears)
        elif word in ("on", "off"):
            rack.switch(rest[0], word == "on")
        elif word == "size":
            say("size", fds=len(os.listdir("/proc/self/fd")), threads=threading.active_count())
    rack.close()
    watch.close()


main()
