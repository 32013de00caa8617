"""The smallest machine that has a keyboard of its own: Debian's kernel, a first file system with Python and our reader.

Built once into a folder of its own and booted by QEMU without hardware help: half a minute.
"""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MODULES = ("xhci_pci", "usbhid", "hid_generic", "evdev")
PYTHON = Path("/usr/bin/python3.11")
LIBRARY = Path("/usr/lib/python3.11")
LEFT_OUT = shutil.ignore_patterns(
    "test", "idlelib", "lib2to3", "ensurepip", "dist-packages", "__pycache__", "config-*", "pydoc_data", "twins"
)
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in $(cat /modules/order); do insmod /modules/$module; done
PYTHONPATH=/product PYTHONDONTWRITEBYTECODE=1 python3.11 /guest.py
echo "ended $?"
poweroff -f
"""


def kernel(cache: Path) -> Path:
    """Debian's kernel package, unpacked below `cache`; fetched once."""
    done = cache / "kernel"
    if not done.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        told = subprocess.check_output(["apt-cache", "depends", "linux-image-amd64"], text=True)
        package = next(
            word for line in told.splitlines() if "Depends:" in line for word in line.split() if "linux-image-" in word
        )
        subprocess.run(["apt-get", "download", package], cwd=cache, check=True, stdout=subprocess.DEVNULL)
        (archive,) = cache.glob("linux-image-*.deb")
        subprocess.run(["dpkg-deb", "-x", archive, cache / "unpacking"], check=True)
        (cache / "unpacking").rename(done)
        archive.unlink()
    return done


def file_system(cache: Path, folder: Path, program: Path) -> Path:
    """The packed first file system in `folder`: `program` runs in it as /guest.py."""
    root = folder / "root"
    for name in ("bin", "usr/bin", "proc", "sys", "dev", "tmp", "modules", "product/sync"):
        (root / name).mkdir(parents=True, exist_ok=True)
    shutil.copy("/bin/busybox", root / "bin/busybox")
    shutil.copy(PYTHON, root / "bin/python3.11")
    shutil.copytree(LIBRARY, root / LIBRARY.relative_to("/"), ignore=LEFT_OUT)
    for library in shared_by(PYTHON, *(LIBRARY / "lib-dynload").glob("*.so")):
        place = root / library.relative_to("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, place)
    shutil.copytree(ROOT / "hardware", root / "product/hardware", ignore=LEFT_OUT)
    shutil.copytree(ROOT / "sync/kernel", root / "product/sync/kernel", ignore=LEFT_OUT)
    shutil.copy(ROOT / "sync/__init__.py", root / "product/sync/__init__.py")
    shutil.copy(program, root / "guest.py")
    (root / "modules/order").write_text("\n".join(copy_modules(kernel(cache), root / "modules")))
    (root / "init").write_text(INIT)
    (root / "init").chmod(0o755)
    packed = folder / "initrd"
    subprocess.run(f"find . | cpio --quiet -o -H newc | gzip -1 > {packed}", shell=True, cwd=root, check=True)
    return packed


def shared_by(*programs: Path) -> set[Path]:
    """Every shared library that these load."""
    found = set()
    for line in subprocess.check_output(["ldd", *programs], text=True).splitlines():
        found |= {Path(word) for word in line.split() if word.startswith("/") and not word.endswith(":")}
    return found


def copy_modules(unpacked: Path, place: Path) -> list[str]:
    """The modules and what they need, in the order of loading."""
    (folder,) = (unpacked / "lib/modules").iterdir()
    subprocess.run(["/usr/sbin/depmod", "-b", unpacked, folder.name], check=True)
    needs = {}
    for line in (folder / "modules.dep").read_text().splitlines():
        path, _, rest = line.partition(":")
        needs[Path(path).stem.replace("-", "_")] = [path, *rest.split()]
    order: list[str] = []
    for module in MODULES:
        order += [path for path in reversed(needs[module]) if path not in order]
    for path in order:
        shutil.copy(folder / path, place)
    return [Path(path).name for path in order]


class Machine:
    """A running guest: its console's lines as they come, and its keyboard, which can be pulled out."""

    def __init__(self, cache: Path, folder: Path, initrd: Path) -> None:
        (image,) = (kernel(cache) / "boot").glob("vmlinuz-*")
        wire = folder / "qmp"
        self.console = folder / "console.log"
        self._process = subprocess.Popen(
            ["qemu-system-x86_64", "-M", "q35", "-accel", "tcg", "-m", "768", "-nodefaults", "-no-user-config",
             "-display", "none", "-no-reboot", "-kernel", image, "-initrd", initrd,
             "-append", "console=ttyS0 quiet panic=-1", "-serial", f"file:{self.console}",
             "-qmp", f"unix:{wire},server=on,wait=off", "-device", "qemu-xhci,id=bus", "-device", "usb-kbd,id=gun"],
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._wire = socket.socket(socket.AF_UNIX)
        until_s = time.monotonic() + 60
        while True:
            try:
                self._wire.connect(str(wire))
                break
            except OSError:
                assert self._process.poll() is None and time.monotonic() < until_s, self._process.stderr
                time.sleep(0.1)
        self._lines = self._wire.makefile("r")
        self._lines.readline()
        self.ask("qmp_capabilities")

    def ask(self, command: str, **arguments: Any) -> Any:
        self._wire.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        while True:
            told = json.loads(self._lines.readline())
            assert "error" not in told, told
            if "return" in told:
                return told["return"]

    def type(self, keys: Sequence[str]) -> None:
        """Keys by QEMU's names; `A` and the like with shift."""
        for key in keys:
            codes = ["shift", key.lower()] if key.isupper() else [key]
            self.ask("send-key", keys=[{"type": "qcode", "data": code} for code in codes], **{"hold-time": 1})
            time.sleep(0.03)

    def wait(self, line: str, timeout_s: float = 300.0) -> list[str]:
        """All lines up to this one."""
        until_s = time.monotonic() + timeout_s
        while True:
            lines = self.console.read_text(errors="replace").splitlines() if self.console.exists() else []
            if line in lines:
                return lines[: lines.index(line) + 1]
            assert time.monotonic() < until_s and self._process.poll() is None, lines[-20:]
            time.sleep(0.2)

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait(30)
        self._wire.close()
