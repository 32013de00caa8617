"""Guns over a serial server, a pseudo terminal and a virtual input device."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardware.codecs.keymap import EV_KEY, INPUT_EVENT
from hardware.codecs.recording import read_recording
from hardware.drivers.gun import Gun, hid_gun, serial_gun
from hardware.drivers.gun_rack import GunRack
from hardware.drivers.plugs import Plugs
from hardware.drivers.recorder import Folder
from hardware.drivers.supervisor import Keeper, Supervisor
from hardware.ports import DeviceView, Scan, ScanTrouble
from hardware.transports.evdev_input import InputStream
from hardware.transports.listener import Listening
from hardware.transports.serial_url import SerialStream
from hardware.transports.tcp import TcpStream
from hardware.twins.hid_gun import HidGunTwin
from hardware.twins.serial_gun import SerialGunTwin
from sync.kernel.outcome import Unavailable

PATIENCE_S = 30.0


class Ear:
    """Keeps what a gun and its keeper say."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.heard: list[Scan | ScanTrouble] = []
        self.states: list[str] = []

    def hear(self, found: Scan | ScanTrouble) -> None:
        with self.changed:
            self.heard.append(found)
            self.changed.notify_all()

    def see(self, view: DeviceView) -> None:
        with self.changed:
            self.states.append(view.state)
            self.changed.notify_all()

    def wait_heard(self, count: int) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: len(self.heard) >= count, PATIENCE_S)

    def wait_states(self, *states: str) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: self.states[-len(states) :] == list(states), PATIENCE_S)


def keep(port: int, ear: Ear, silence_s: float = 0.08) -> Keeper:
    gun: Gun = serial_gun("gun-1", lambda: TcpStream("127.0.0.1", port), ear.hear, ear.hear, silence_s)
    keeper = Keeper(Supervisor(time.monotonic, ear.see).add("gun", "gun-1"), gun, lambda: 0.1)
    keeper.start()
    return keeper


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def gun_twin() -> Iterator[SerialGunTwin]:
    twin = SerialGunTwin()
    twin.start()
    yield twin
    twin.close()


@pytest.mark.row("F10.2")
def test_a_gun_on_a_serial_server_is_heard(gun_twin: SerialGunTwin, ear: Ear) -> None:
    keeper = keep(gun_twin.port, ear)
    assert gun_twin.wait_connected()
    gun_twin.scan("]C0ZY00123456-2")
    gun_twin.scan("ZY7", suffix=b"")
    assert ear.wait_heard(2)
    assert ear.heard == [
        Scan("ZY00123456-2", b"]C0ZY00123456-2", "gun-1", "]C0", True),
        Scan("ZY7", b"ZY7", "gun-1", None, False),
    ]
    assert [raw for raw, _ in gun_twin.sent] == [b"]C0ZY00123456-2\r", b"ZY7"]
    keeper.close()


def test_a_flood_is_one_trouble_and_the_next_scan_is_heard(gun_twin: SerialGunTwin, ear: Ear) -> None:
    keeper = keep(gun_twin.port, ear, silence_s=5.0)
    assert gun_twin.wait_connected()
    gun_twin.send(b"9" * 1_000_000 + b"\r")
    gun_twin.scan("<b>ZY7</b>")
    assert ear.wait_heard(2)
    assert ear.heard == [ScanTrouble("gun-1", "scan.too-long"), Scan("<b>ZY7</b>", b"<b>ZY7</b>", "gun-1", None, True)]
    keeper.close()


@pytest.mark.row("F10.2")
def test_a_gun_pulled_out_and_put_back_is_heard_again(gun_twin: SerialGunTwin, ear: Ear) -> None:
    keeper = keep(gun_twin.port, ear)
    assert ear.wait_states("opening", "ready") and gun_twin.wait_connected()
    gun_twin.send(b"half")
    gun_twin.unplug()
    assert ear.wait_states("lost")
    gun_twin.plug()
    assert ear.wait_states("lost", "ready") and gun_twin.wait_connected()
    gun_twin.scan("ZY8")
    with ear.changed:
        assert ear.changed.wait_for(lambda: any(s.text == "ZY8" for s in ear.heard if isinstance(s, Scan)), PATIENCE_S)
    keeper.close()


@pytest.mark.row("F10.2")
def test_a_gun_on_a_serial_port_is_heard_until_it_is_gone(ear: Ear) -> None:
    ours, theirs = os.openpty()
    tty.setraw(ours)
    tty.setraw(theirs)
    gun = serial_gun("gun-1", lambda: SerialStream(os.ttyname(theirs)), ear.hear, ear.hear, silence_s=5.0)
    opened = threading.Event()
    ended: list[str] = []

    def run() -> None:
        try:
            gun.run(opened.set)
        except Unavailable as fault:
            ended.append(fault.code)

    thread = threading.Thread(target=run)
    thread.start()
    assert opened.wait(PATIENCE_S)
    for byte in "张三\r".encode("gb18030"):
        os.write(ours, bytes([byte]))
    assert ear.wait_heard(1)
    assert ear.heard == [Scan("张三", "张三".encode("gb18030"), "gun-1", None, True)]
    os.close(theirs)
    os.close(ours)
    thread.join(PATIENCE_S)
    assert ended == ["device.gone"]


def test_a_serial_server_can_be_opened_by_its_url(gun_twin: SerialGunTwin) -> None:
    stream = SerialStream(gun_twin.url)
    assert gun_twin.wait_connected()
    gun_twin.scan("ZY9")
    assert stream.read(PATIENCE_S) == b"ZY9\r"
    assert stream.read(0.01) == b""
    stream.write(b"beep")
    stream.close()


def test_closing_wakes_a_reader_at_once(gun_twin: SerialGunTwin) -> None:
    stream = SerialStream(gun_twin.url)
    ended: list[str] = []

    def read() -> None:
        try:
            stream.read(None)
        except Unavailable as fault:
            ended.append(fault.code)

    thread = threading.Thread(target=read)
    thread.start()
    assert gun_twin.wait_connected()
    stream.close()
    stream.close()
    thread.join(PATIENCE_S)
    assert ended == ["device.closed"]
    with pytest.raises(Unavailable, match=r"device\.closed"):
        stream.read(0)


class Radio:
    """A gun on the network that calls the machine."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)

    def send(self, raw: bytes) -> None:
        self._socket.sendall(raw)

    def close(self) -> None:
        self._socket.close()


@pytest.mark.row("F10.2")
@pytest.mark.row("F10.28")
def test_a_gun_that_calls_is_heard_again_after_it_lost_its_radio(ear: Ear, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = Folder(tmp_path / "recordings", lambda: 0.5, time.monotonic)
    rack = GunRack(
        Supervisor(time.monotonic, ear.see), Plugs(), on_scan=ear.hear, on_trouble=ear.hear, mono_s=time.monotonic,
        draw=lambda: 0.0, listened=folder.listen,
    )  # fmt: skip
    rack.add("far", f"listen://127.0.0.1:{port}", "network-gun")
    rack.start()
    radio = None
    while radio is None:  # the port is opened by the gun's own thread
        with contextlib.suppress(ConnectionRefusedError):
            radio = Radio(port)
    assert ear.wait_states("opening", "ready")
    radio.send(b"ZY001\rhalf")
    assert ear.wait_heard(1)
    # Its radio fails: the old call stays open and dead, and it calls anew.
    again = Radio(port)
    again.send(b"ZY002\r")
    assert ear.wait_heard(2)
    radio.close()
    again.send(b"ZY003\r")
    assert ear.wait_heard(3)
    again.close()
    assert ear.wait_states("lost")
    heard = rack.heard("far")
    rack.close()
    folder.close()
    assert [found.text for found in ear.heard if isinstance(found, Scan)] == ["ZY001", "ZY002", "ZY003"]
    assert (heard.scans, heard.last_chars, heard.last_terminated) == (3, 5, True)
    (written,) = (tmp_path / "recordings").iterdir()
    raw = b"".join(read.data for read in read_recording(written.read_text("ascii").splitlines())[1])
    assert raw == b"NN555\rnnnnNN555\rNN555\r"


def test_a_port_that_is_taken_is_said_to_be(ear: Ear) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        listening = Listening("127.0.0.1", other.getsockname()[1])
        with pytest.raises(Unavailable, match=r"device\.port-taken"):
            listening.open()


@pytest.mark.parametrize("url", ["/dev/there-is-no-such-gun", "socket://127.0.0.1:1", "nonsense://x"])
def test_a_port_that_is_not_there_is_unavailable(url: str) -> None:
    with pytest.raises(Unavailable, match=r"device\.gone"):
        SerialStream(url)


def test_an_input_node_that_is_missing_is_not_made(tmp_path: Path) -> None:
    missing, plain = tmp_path / "event9", tmp_path / "event8"
    plain.write_text("")
    with pytest.raises(Unavailable, match=r"device\.gone"):
        InputStream(str(missing))
    with pytest.raises(Unavailable, match=r"device\.not-an-input"):
        InputStream(str(plain))
    assert not missing.exists()


LISTENER = """
import sys
from hardware.drivers.gun import hid_gun
from hardware.transports.evdev_input import InputStream
from sync.kernel.outcome import Unavailable
node, wanted = sys.argv[1], int(sys.argv[2])
heard = []
def on_scan(scan):
    heard.append(scan)
    print(f"{scan.text!r} {scan.symbology} {scan.terminated}", flush=True)
    if len(heard) == wanted:
        gun.close()
gun = hid_gun("gun-1", lambda: InputStream(node), on_scan, lambda trouble: print(trouble.code, flush=True), 5.0)
try:
    gun.run(lambda: print("opened", flush=True))
except Unavailable as fault:
    print(fault.code, flush=True)
"""


@pytest.mark.row("F10.3")
def test_a_gun_that_types_is_grabbed_and_heard(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    listener = tmp_path / "listener.py"
    listener.write_text(LISTENER, encoding="utf-8")
    twin = HidGunTwin(tmp_path / "gun")
    command = twin.command(["]C0ZY00123456-2", "aB_*9"], [sys.executable, str(listener), twin.node, "2"])
    environment = {**os.environ, "PYTHONPATH": str(request.config.rootpath)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)
    assert done.stdout.splitlines() == [
        "opened",
        "'ZY00123456-2' ]C0 True",
        "'aB_*9' None True",
        "device.closed",
    ], done.stderr


@pytest.mark.row("F10.3")
def test_keys_that_stop_with_the_device_are_no_scan(ear: Ear) -> None:
    """A pseudo terminal stands in for the node: its reader meets the same end as at a pulled plug."""
    ours, theirs = os.openpty()
    tty.setraw(ours)
    tty.setraw(theirs)
    gun = hid_gun("gun-1", lambda: SerialStream(os.ttyname(theirs)), ear.hear, ear.hear, silence_s=60.0)
    keeper = Keeper(Supervisor(time.monotonic, ear.see).add("gun", "gun-1"), gun, lambda: 0.1)
    keeper.start()
    assert ear.wait_states("opening", "ready")
    keys = [(EV_KEY, 2, 1), (EV_KEY, 2, 0), (EV_KEY, 28, 1), (EV_KEY, 3, 1)]
    os.write(ours, b"".join(INPUT_EVENT.pack(0, 0, *key) for key in keys))
    assert ear.wait_heard(1)
    os.close(theirs)
    os.close(ours)
    assert ear.wait_states("lost")
    keeper.close()
    assert ear.heard == [Scan("1", b"1", "gun-1", None, True)]


@pytest.mark.row("F10.3")
def test_what_no_keyboard_types_is_refused_by_the_twin(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot type"):
        HidGunTwin(tmp_path).command(["张三"], ["true"])
