"""PouchDB as the thing to beat: its replication between a client and express-pouchdb, both on leveldb, on loopback.

The packages are pinned in a lock file of their own and fetched by npm the first time a benchmark asks; nothing that
runs on a node, and no test of one, needs them.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from sync.kernel.outcome import Unavailable

HERE = Path(__file__).parent
STOP_S = 20.0


def fetch(folder: Path = HERE) -> None:
    """Have the locked packages in place. Raises Unavailable `bench.baseline` where npm cannot bring them."""
    lock, done = folder / "package-lock.json", folder / "node_modules" / ".fetched"
    with (folder / "package.json").open("rb") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        if done.exists() and done.read_bytes() == lock.read_bytes():
            return
        try:
            subprocess.run(
                ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
                cwd=folder, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except (OSError, subprocess.CalledProcessError) as fault:
            raise Unavailable("bench.baseline", 60.0) from fault
        shutil.copyfile(lock, done)


class Pouch:
    """A server and a client, warm from one measurement to the next. Use as a context manager."""

    def __init__(self, folder: Path, events: Sequence[tuple[str, str]]) -> None:
        """`events`: (id, JSON object) of each document, the same that ours is measured with."""
        fetch()
        folder.mkdir(parents=True)
        docs = folder / "docs.json"
        docs.write_text(json.dumps([json.loads(said) for _, said in events]), "utf-8")
        self.documents = len(events)
        self._server = _Program("server.js", str(folder / "server"))
        try:
            address = f"http://127.0.0.1:{int(self._server.line())}"
            self._client = _Program("client.js", str(folder / "client"), address, str(docs))
        except BaseException:
            self._server.stop()
            raise

    def push_s(self) -> float:
        """Seconds in which the client brings all documents to an empty database of the server."""
        return float(self._client.ask("push"))

    def pull_s(self) -> float:
        """Seconds in which an empty client has all documents of the server's database."""
        return float(self._client.ask("pull"))

    def close(self) -> None:
        self._client.stop()
        self._server.stop()

    def __enter__(self) -> Pouch:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class _Program:
    """One of the scripts here, spoken to by lines; it ends when its input does."""

    def __init__(self, script: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            ["node", str(HERE / script), *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HERE,
        )  # fmt: skip

    def ask(self, said: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(said + "\n")
        self._process.stdin.flush()
        return self.line()

    def line(self) -> str:
        """Raises Unavailable `bench.baseline` when the program ends instead of answering."""
        assert self._process.stdout is not None
        answer = self._process.stdout.readline()
        if not answer:
            self.stop()
            raise Unavailable("bench.baseline", 60.0)
        return answer

    def stop(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
