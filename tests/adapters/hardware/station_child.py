"""A station's foot switch and USB scanner as a program of its own, for tests that plug them in and out around it.

Says one JSON document a line: what a device's state became, what was pressed, what was plugged in.
"""

import json
import os
import sys
import threading
import time
from typing import Any

from appliance.features.devices.desks import Bench
from appliance.features.devices.desks.pedals import Pedals
from appliance.features.devices.desks.scanners import keep_scanner
from appliance.features.devices.keepers import Keepers
from appliance.features.devices.trials import Trials
from appliance.settings import Pedal, Scanner
from hardware.drivers.plugs import Plugs
from hardware.drivers.supervisor import Supervisor
from hardware.transports.udev import UdevWatch

SAYING = threading.Lock()


def say(what: str, **more: Any) -> None:
    with SAYING:
        print(json.dumps({"what": what, **more}), flush=True)


def main() -> None:
    plugs = Plugs()
    supervisor = Supervisor(
        time.monotonic, lambda view: say("state", name=view.name, state=view.state, reason=view.reason)
    )
    keepers = Keepers(supervisor, plugs, lambda: 0.999)
    plugs.listen(lambda plug, here: say("plug", path=plug.path, line=plug.line, here=here))
    trials = Trials(time.monotonic, lambda name: None, supervisor.views)
    bench = Bench(lambda *what: keepers.keep(*what), plugs, trials, time.monotonic, os.urandom)
    pedals = Pedals(bench, [Pedal(name="foot", usb="1eab:8003")])
    pedals.listen(lambda name: say("press", name=name))
    keep_scanner(bench, Scanner(name="desk", url="sane:test:0", usb="04b8:0142:S1"))
    watch = UdevWatch(plugs.plugged, plugs.unplugged)
    watch.start()
    keepers.start()
    say("up")
    for line in sys.stdin:
        if line.strip() == "size":
            say("size", fds=len(os.listdir("/proc/self/fd")), threads=threading.active_count())
    keepers.close()
    watch.close()


main()
