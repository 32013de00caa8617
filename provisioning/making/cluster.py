"""A PostgreSQL of one's own in a temporary folder: for tests, benchmarks and a demo without a database server.

It listens on a unix socket in that folder alone, so it meets no other cluster of the machine, and ends with the
process that started it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from sync.adapters.postgres.connection import connect
from sync.kernel.outcome import Unavailable

USER = "postgres"
"""PostgreSQL refuses to run as root; Debian's package makes this user."""
VERSION_MIN = 15
START_S_MAX = 60.0
STOP_S_MAX = 30.0
SETTINGS = (
    "listen_addresses=", "max_connections=200", "shared_buffers=64MB", "logging_collector=off",
    "log_min_messages=fatal",
)  # fmt: skip


class Cluster:
    """`durable=False` leaves out fsync: a test ends programs, not machines."""

    def __init__(self, *, durable: bool = False, settings: Sequence[str] = ()) -> None:
        self._programs = programs()
        self.folder = Path(tempfile.mkdtemp(prefix="waystation-pg-"))
        self._settings = (*SETTINGS, f"fsync={'on' if durable else 'off'}", *settings)
        self._server: subprocess.Popen[bytes] | None = None
        self._made = 0

    def start(self) -> None:
        """Raises Unavailable `postgres.start`."""
        as_user = _as_user()
        if as_user:
            found = pwd.getpwnam(USER)
            os.chown(self.folder, found.pw_uid, found.pw_gid)
        data = self.folder / "data"
        init = [
            str(self._programs / "initdb"), "-D", str(data), "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C",
            "--no-sync", "--no-instructions",
        ]  # fmt: skip
        subprocess.run([*as_user, *init], check=True, capture_output=True, cwd="/")
        run = [str(self._programs / "postgres"), "-D", str(data), "-k", str(self.folder)]
        for setting in self._settings:
            run += ["-c", setting]
        with (self.folder / "log").open("wb") as log:
            self._server = subprocess.Popen(
                ["setpriv", "--pdeathsig", "INT", *as_user[1:], *run],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
            )  # fmt: skip
        deadline = time.monotonic() + START_S_MAX
        while not self._answers():
            if self._server.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise Unavailable("postgres.start", 60.0)
            time.sleep(0.05)

    def stop(self) -> None:
        """Ends every session, then the server, and removes the folder: nothing of it is to be kept."""
        if self._server is not None and self._server.poll() is None:
            self._server.send_signal(signal.SIGQUIT)
            try:
                self._server.wait(STOP_S_MAX)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
        self._server = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self) -> str:
        return f"postgresql://{USER}@/postgres?host={self.folder}"

    def new_tables(self) -> str:
        """The URL of tables of one's own: an empty schema, made in a millisecond where a database takes files."""
        self._made += 1
        name = f"hub_{self._made}"
        conn = connect(self.url(), None, name="cluster", writes=True)
        conn.execute(f"CREATE SCHEMA {name}")
        conn.close()
        return f"{self.url()}&options=-csearch_path%3D{name}"

    def _answers(self) -> bool:
        try:
            connect(self.url(), None, name="cluster", writes=False).close()
        except Unavailable:
            return False
        return True


def programs() -> Path:
    """Debian keeps each version's programs in a folder of its own. Raises Unavailable `postgres.missing`."""
    found = sorted(
        (int(folder.name), folder / "bin")
        for folder in Path("/usr/lib/postgresql").glob("[0-9]*")
        if folder.name.isdigit() and int(folder.name) >= VERSION_MIN and (folder / "bin" / "postgres").exists()
    )
    if not found:
        raise Unavailable("postgres.missing", 3600.0)
    return found[0][1]


def _as_user() -> list[str]:
    return ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups"] if os.geteuid() == 0 else []
