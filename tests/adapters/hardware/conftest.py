import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hardware.drivers.glyphs import Glyphs
from hardware.ports import Job
from hardware.twins.escpos_printer import EscposPrinterTwin
from hardware.twins.tcp_server import OneClientServer
from tests.adapters.hardware.paper_room import slip_of


@pytest.fixture(scope="session")
def glyphs() -> Glyphs:
    return Glyphs()


@pytest.fixture
def make_twin(tmp_path: Path, glyphs: Glyphs) -> Iterator[Callable[..., EscposPrinterTwin]]:
    made: list[EscposPrinterTwin] = []

    def make(width_dots: int = 384) -> EscposPrinterTwin:
        twin = EscposPrinterTwin(0, tmp_path / f"printer-{len(made)}", width_dots, glyphs)
        twin.start()
        made.append(twin)
        return twin

    yield make
    for twin in made:
        twin.close()


@pytest.fixture
def twin(make_twin: Callable[..., EscposPrinterTwin]) -> EscposPrinterTwin:
    return make_twin()


@pytest.fixture
def job(glyphs: Glyphs) -> Job:
    return Job("j1", "belt", slip_of("slip j1", glyphs))


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A device that takes everything and says nothing."""

    def swallow(client: socket.socket) -> None:
        while client.recv(4096):
            pass

    server = OneClientServer(swallow)
    server.start()
    yield server.port
    server.close()
