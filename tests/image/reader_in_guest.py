"""Runs in the guest: the product's reader and, beside it, another program's on the same keyboard.

Says on the console what each of them hears; the test types and pulls the keyboard out.
"""

import threading
import time
from pathlib import Path

from hardware.drivers.gun import Gun, hid_gun
from hardware.ports import Scan, ScanTrouble
from hardware.transports.evdev_input import InputStream
from sync.kernel.outcome import Unavailable

SCANS = 10
SILENCE_S = 5.0
"""The guest's processor is emulated: a key may come late."""


def say(*words: object) -> None:
    print(*words, flush=True)


def node() -> str:
    while True:
        for name in Path("/sys/class/input").glob("event*/device/name"):
            if "USB Keyboard" in name.read_text():
                return f"/dev/input/{name.parts[4]}"
        time.sleep(0.1)


class Reader:
    """A program that reads one keyboard in a thread of its own, grabbed or not."""

    def __init__(self, name: str, path: str, *, grab: bool) -> None:
        self._name = name
        self._changed = threading.Condition()
        self._count = 0
        self._opened = threading.Event()
        self.gun: Gun = hid_gun(name, lambda: InputStream(path, grab=grab), self._hear, self._stumble, SILENCE_S)
        self.thread = threading.Thread(target=self._read)
        self.thread.start()
        self._opened.wait()

    def _read(self) -> None:
        try:
            self.gun.run(self._opened.set)
        except Unavailable as fault:
            say("closed", self._name, fault.code)

    def _hear(self, scan: Scan) -> None:
        say("heard", self._name, scan.text)
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    def _stumble(self, trouble: ScanTrouble) -> None:
        say("trouble", self._name, trouble.code)

    def wait(self, count: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._count >= count)


def main() -> None:
    path = node()
    other = Reader("other", path, grab=False)
    say("free")
    other.wait(1)
    ours = Reader("ours", path, grab=True)
    try:
        InputStream(path)
        say("second grab worked")
    except Unavailable as fault:
        say("second grab", fault.code)
    say("grabbed")
    ours.wait(SCANS)
    ours.gun.close()
    ours.thread.join()
    say("let go")
    other.wait(2)
    last = Reader("last", path, grab=True)
    say("pull")
    for reader in (other, last):
        reader.thread.join()


main()
