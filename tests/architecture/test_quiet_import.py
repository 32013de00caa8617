"""Importing a module does nothing visible: no connection, process, thread or word printed, no file written."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

# Runs in a child of its own. Libraries are imported before the hook is set: what they do at import is theirs (one
# opens a socket to learn about IPv6); what our modules do is listened to.
WATCHER = """
import ast, importlib, json, os, sys, threading
sys.dont_write_bytecode = True
modules, ours = json.loads(sys.stdin.read())

for _, path in modules:
    for node in ast.parse(open(path, encoding="utf-8").read()).body:
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(node.module + "." + alias.name for alias in node.names)]
        for name in names:
            if name.split(".")[0] not in ours:
                try:
                    importlib.import_module(name)
                except ModuleNotFoundError:
                    pass

LOUD = ("socket.", "subprocess.", "sqlite3.connect", "os.system", "os.fork", "os.exec", "os.posix_spawn", "os.spawn",
        "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.kill",
        "os.putenv", "shutil.", "tempfile.", "signal.", "webbrowser.")
heard, current = [], None

def hook(event, args):
    if current is None:
        return
    if event == "open":
        path, mode, flags = args
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC):
            heard.append([current, "opened for writing " + str(path)])
    elif event.startswith(LOUD):
        heard.append([current, event])

def start(thread):
    heard.append([current, "started thread " + thread.name])

sys.addaudithook(hook)
threading.Thread.start = start
for current, _ in modules:
    try:
        importlib.import_module(current)
    except BaseException as fault:
        heard.append([current, "does not import: " + repr(fault)])
name, current = current, None
sys.stderr.write(json.dumps(heard))
"""


def listen(modules: list[tuple[str, Path]], ours: list[str], cwd: Path) -> tuple[list[list[str]], str]:
    """What was heard while importing, as [module, what], and what was printed."""
    order = json.dumps([[(name, str(path)) for name, path in modules], ours])
    done = subprocess.run(
        [sys.executable, "-c", WATCHER], input=order, text=True, capture_output=True, cwd=cwd, timeout=120, check=True
    )
    return json.loads(done.stderr.splitlines()[-1]), done.stdout


def module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_no_module_of_the_product_does_anything_when_imported(root: Path, product_modules: list[Path]) -> None:
    modules = [(module_name(path), root / path) for path in product_modules]
    heard, printed = listen(modules, sorted({path.parts[0] for path in product_modules}), root)
    assert heard == []
    assert printed == ""


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("import socket; socket.socket().bind(('127.0.0.1', 0))", "socket"),
        ("import subprocess; subprocess.run(['true'])", "subprocess"),
        ("open('written', 'w')", "opened for writing"),
        ("import threading; threading.Thread(target=print).start()", "started thread"),
        ("raise RuntimeError('at import')", "does not import"),
    ],
)
def test_the_listener_hears_a_loud_module(tmp_path: Path, source: str, what: str) -> None:
    (tmp_path / "loud.py").write_text(source)
    heard, _ = listen([("loud", tmp_path / "loud.py")], ["loud"], tmp_path)
    assert heard and heard[0][0] == "loud" and what in heard[0][1]


def test_the_listener_hears_a_printed_word(tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text("print('hello')")
    assert listen([("loud", tmp_path / "loud.py")], ["loud"], tmp_path)[1] == "hello\n"
