"""The hub's own mosquitto: a child process on its own port and folder. The machine's mosquitto service is left alone.

The hub may be killed at any instant and leave the child behind; a pid file lets the next start end exactly that
process, recognised by its command line.
"""

from __future__ import annotations

import collections
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

from provisioning.trust.broker_rules import Listener, Rules, render_acl, render_conf
from sync.adapters.keys import write_whole
from sync.kernel.outcome import Unavailable

READY_S_MAX = 20.0
STOP_S_MAX = 5.0
_LOG_LINES_KEPT = 400
_POLL_S = 0.01
_RELOADING = "Reloading config."


def find_mosquitto() -> str:
    """The program's path; Debian puts it where ordinary users' PATH does not reach. Raises Unavailable."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise Unavailable("broker.not-installed", retry_s=60)
    return found


class Broker:
    """Start, tell, stop, from any thread. `rules` are those last told."""

    def __init__(self, listener: Listener, rules: Rules) -> None:
        self.listener = listener
        self.rules = rules
        self._process: subprocess.Popen[str] | None = None
        self._turn = threading.RLock()
        self._wanted = False
        self._log: collections.deque[str] = collections.deque(maxlen=_LOG_LINES_KEPT)
        self._reloads = 0
        self._heard = threading.Condition()
        self._conf = listener.folder / "mosquitto.conf"
        self._pid_file = listener.folder / "broker.pid"

    @property
    def port(self) -> int:
        return self.listener.port

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def log_tail(self) -> list[str]:
        """The broker's last lines: machine names, addresses and reasons, never a payload."""
        with self._heard:
            return list(self._log)

    def start(self) -> None:
        """Write the files, start, and return when the port answers. Raises Unavailable `broker.start`."""
        with self._turn:
            assert not self.running, "the broker runs already"
            self._start()
            self._wanted = True

    def keep_running(self) -> bool:
        """Start it again if it died; whether that was so. A broker that was stopped stays stopped."""
        with self._turn:
            if not self._wanted or self.running:
                return False
            self._start()
            return True

    def _start(self) -> None:
        self.listener.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        end_left_behind(self.listener.folder)
        self._write_files()
        process = subprocess.Popen(
            [find_mosquitto(), "-c", str(self._conf)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._process = process
        write_whole(self._pid_file, f"{process.pid}\n".encode())
        threading.Thread(target=self._listen, args=(process,), name="broker-log", daemon=True).start()
        deadline = time.monotonic() + READY_S_MAX
        while not self._answers():
            if process.poll() is not None or time.monotonic() > deadline:
                self._stop()
                raise Unavailable("broker.start", retry_s=5)
            time.sleep(_POLL_S)

    def tell(self, rules: Rules) -> None:
        """Put new rules (and a CRL just written) in force for open connections too, without dropping anyone.

        Returns when the broker has read them; one that is down reads them when it starts. Raises Unavailable
        `broker.reload`.
        """
        with self._turn:
            self.rules = rules
            write_whole(self.listener.folder / "acl", render_acl(rules).encode())
            if self.running:
                self.reread()

    def reread(self) -> None:
        """Have the broker read ACL and CRL again (SIGHUP). A changed CA needs `restart`: SIGHUP keeps the old one."""
        if self._process is None or not self.running:
            raise Unavailable("broker.down")
        with self._heard:
            before = self._reloads
            self._process.send_signal(signal.SIGHUP)
            if not self._heard.wait_for(lambda: self._reloads > before, timeout=READY_S_MAX):
                raise Unavailable("broker.reload")

    def restart(self) -> None:
        """Stop and start on the same port."""
        with self._turn:
            self._stop()
            self._start()

    def stop(self) -> None:
        """End the child and wait for it; harmless when it is gone."""
        with self._turn:
            self._wanted = False
            self._stop()

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_S_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._pid_file.unlink(missing_ok=True)

    def _write_files(self) -> None:
        conf = render_conf(self.listener, as_root=os.geteuid() == 0)
        write_whole(self._conf, conf.encode())
        write_whole(self.listener.folder / "acl", render_acl(self.rules).encode())

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                with self._heard:
                    self._log.append(line.rstrip())
                    if _RELOADING in line:
                        self._reloads += 1
                        self._heard.notify_all()

    def _answers(self) -> bool:
        try:
            socket.create_connection((self.listener.host, self.listener.port), timeout=1).close()
        except OSError:
            return False
        return True


def end_left_behind(folder: Path) -> None:
    """End the child of an owner that was killed: the next start wants its port. Nobody else's process is touched."""
    conf = folder / "mosquitto.conf"
    try:
        pid = int((folder / "broker.pid").read_text(encoding="ascii"))
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return
    if os.fsencode(conf) not in command:
        return
    for sign, wait_s in ((signal.SIGTERM, STOP_S_MAX), (signal.SIGKILL, STOP_S_MAX)):
        try:
            os.kill(pid, sign)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + wait_s
        while time.monotonic() < deadline:
            if not Path(f"/proc/{pid}/cmdline").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes():
                return
            time.sleep(_POLL_S)
