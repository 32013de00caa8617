"""A print server of its own with office printers: the real cupsd and ippeveprinter, away from the machine's own.

ippeveprinter does not start without DNS-SD, so a message bus and an avahi of the room's own stand behind it. All of it
listens on loopback and lives in one folder.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from hardware.twins.children import Children
from hardware.twins.paper_printer import PaperPrinter

START_S = 30.0
LOOK_S = 0.02
LOWEST_PORT = 15_000
SERVER_BIN = Path("/usr/lib/cups")
ONCE = Path(__file__).parent.parent / "drivers" / "once_backend.sh"

_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={root}/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
<allow user="*"/></policy></busconfig>
"""
_AVAHI = """[server]
host-name=room-{pid}
use-ipv4=yes
use-ipv6=no
allow-interfaces=lo
[publish]
publish-addresses=no
publish-workstation=no
publish-hinfo=no
"""
_FILES = """ServerRoot {root}/etc
ServerBin {root}/bin
RequestRoot {root}/spool
CacheDir {root}/cache
StateDir {root}/state
TempDir {root}/spool/tmp
AccessLog {root}/log/access
ErrorLog {root}/log/error
PageLog {root}/log/page
SystemGroup root
SyncOnClose Yes
"""
_SERVER = """LogLevel {log_level}
MaxLogSize 0
DirtyCleanInterval {dirty_clean_s}
Listen 127.0.0.1:{port}
Browsing Off
DefaultAuthType None
WebInterface No
PreserveJobHistory Yes
PreserveJobFiles No
<Location />
  Order allow,deny
  Allow 127.0.0.1
</Location>
<Policy default>
  JobPrivateAccess all
  JobPrivateValues none
  <Limit All>
    AuthType None
    Order deny,allow
    Allow all
  </Limit>
</Policy>
"""


class PrintRoom:
    """`folder` must be short (a socket lies in it) and open to the user `lp`; it is not removed.

    `dirty_clean_s` above 0 makes a server that forgets jobs it took in the last so many seconds when it is killed, as
    an unconfigured one does.
    """

    def __init__(self, folder: Path, *, dirty_clean_s: int = 0, log_level: str = "warn") -> None:
        self.folder = folder
        self.port = free_port()
        self._server: subprocess.Popen[bytes] | None = None
        self._children = Children({"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={folder}/bus"})
        for name in ("etc", "spool/tmp", "cache", "state", "log", "bin/backend"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        pid = os.getpid()
        for name, text in {"bus.conf": _BUS, "avahi.conf": _AVAHI, "files.conf": _FILES, "cupsd.conf": _SERVER}.items():
            told = text.format(root=folder, pid=pid, port=self.port, dirty_clean_s=dirty_clean_s, log_level=log_level)
            (folder / name).write_text(told)
        for found in SERVER_BIN.iterdir():
            if found.name != "backend":
                (folder / "bin" / found.name).symlink_to(found)
        for found in (SERVER_BIN / "backend").iterdir():
            (folder / "bin" / "backend" / found.name).symlink_to(found)
        once = folder / "bin" / "backend" / "once"
        shutil.copy(ONCE, once)
        once.chmod(0o755)  # cupsd runs no backend that a group may write

    @property
    def server(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        bus = self._spawn("bus", ["dbus-daemon", f"--config-file={self.folder}/bus.conf", "--nofork", "--nopidfile"])
        _wait(lambda: (self.folder / "bus").exists(), "the message bus", bus)
        # avahi keeps its pid in one place of the machine; a place of its own lets several rooms stand side by side.
        avahi = self._spawn(
            "avahi",
            ["unshare", "--mount", "sh", "-c",
             "mkdir -p /run/avahi-daemon && mount -t tmpfs none /run/avahi-daemon && exec avahi-daemon -f "
             f"{self.folder}/avahi.conf --no-drop-root --no-chroot --no-rlimits"],
        )  # fmt: skip
        log = self.folder / "avahi.log"
        _wait(lambda: b"Server startup complete" in log.read_bytes(), "avahi", avahi)
        self.start_server()

    def close(self) -> None:
        self._children.close()

    def start_server(self) -> None:
        assert self._server is None
        self._server = self._spawn(
            "cupsd",
            ["cupsd", "-f", "-c", f"{self.folder}/cupsd.conf", "-s", f"{self.folder}/files.conf"],
        )
        _wait(lambda: _answers(self.port), "cupsd", self._server)

    def kill_server(self) -> None:
        """kill -9 of the server alone: what it started runs on, as after a crash."""
        if self._server is not None:
            self._children.end_alone(self._server)
            self._server = None

    def stop_server(self) -> None:
        """Told to end, it writes down what it knows."""
        if self._server is not None:
            self._server.terminate()
            self._server.wait()
            self.kill_server()

    def freeze_server(self) -> None:
        """It takes connections and answers nothing, until `thaw_server`."""
        assert self._server is not None
        self._server.send_signal(signal.SIGSTOP)

    def thaw_server(self) -> None:
        assert self._server is not None
        self._server.send_signal(signal.SIGCONT)

    def add_printer(self, name: str, side_s: float = 0.05) -> PaperPrinter:
        """An office printer, switched on."""
        printer = PaperPrinter(name, free_port(), self.folder / name, self._children, side_s)
        printer.power_on()
        return printer

    def add_queue(
        self, queue: str, printer: PaperPrinter, *, guard: str = "once:/", wish: str = "?waitjob=false"
    ) -> None:
        """A queue of the printer as the install page makes one; as anybody would, with `guard` and `wish` empty."""
        lpadmin = ["lpadmin", "-h", self.server, "-p", queue]
        _run([*lpadmin, "-v", printer.uri, "-m", "everywhere", "-E", "-o", "printer-error-policy=abort-job"])
        _run([*lpadmin, "-v", f"{guard}{printer.uri}{wish}"])

    def add_raw_queue(self, queue: str, device_uri: str) -> None:
        _run(["lpadmin", "-h", self.server, "-p", queue, "-v", device_uri, "-m", "raw", "-E"])

    def _spawn(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        return self._children.start(command, self.folder / f"{name}.log")


def free_port() -> int:
    """A port on which nobody listens, below those the system hands out to callers: a server finds it again later."""
    callers_from = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text("ascii").split()[0])
    while True:
        port = LOWEST_PORT + secrets.randbelow(max(1000, callers_from - LOWEST_PORT))
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
        return True
    return False


def _wait(until: Callable[[], bool], what: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_S
    while not until():
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"{what} does not start")
        time.sleep(LOOK_S)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr.strip()}")
