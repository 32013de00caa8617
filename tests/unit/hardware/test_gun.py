import pytest

from hardware.codecs.scan_assembler import LineAssembler
from hardware.drivers.gun import Gun, serial_gun
from hardware.ports import Scan, ScanTrouble
from sync.kernel.outcome import Unavailable


class LateReader:
    """A line whose reader is held up: each entry is (how long it took to come back, what was there)."""

    def __init__(self, *reads: tuple[float, bytes]) -> None:
        self.reads = list(reads)
        self.now_s = 100.0
        self.closed = 0

    def read(self, timeout_s: float | None) -> bytes:
        if not self.reads:
            raise Unavailable("device.gone")
        took_s, data = self.reads.pop(0)
        self.now_s += took_s
        return data

    def write(self, data: bytes) -> None:
        raise AssertionError("a gun is not written to")

    def close(self) -> None:
        self.closed += 1


def heard(*reads: tuple[float, bytes]) -> list[tuple[str, bool]]:
    line, found = LateReader(*reads), list[Scan | ScanTrouble]()
    gun = Gun(lambda: line, lambda: LineAssembler("gun-1"), found.append, found.append, lambda: line.now_s)
    with pytest.raises(Unavailable, match=r"device\.gone"):
        gun.run(lambda: None)
    assert line.closed == 1
    return [(scan.text, scan.terminated) for scan in found if isinstance(scan, Scan)]


@pytest.mark.row("F10.2")
@pytest.mark.parametrize(
    ("reads", "expected", "why"),
    [
        ([(0.0, b"ZY0"), (0.01, b"01\r")], [("ZY001", True)], "one scan in two pieces"),
        ([(0.0, b"ZY0"), (2.0, b"01\r")], [("ZY001", True)], "a busy machine does not cut a number in half"),
        ([(0.0, b"ZY0"), (0.08, b""), (0.0, b"01\r")], [("ZY0", False), ("01", True)], "silence does"),
        ([(0.0, b"ZY0")], [], "half a scan goes with its line"),
    ],
)
def test_only_silence_ends_a_scan_early(
    reads: list[tuple[float, bytes]], expected: list[tuple[str, bool]], why: str
) -> None:
    assert heard(*reads) == expected, why


def test_a_gun_closed_before_it_opened_does_not_open() -> None:
    line = LateReader()
    gun = serial_gun("gun-1", lambda: line, print, print)
    gun.close()
    with pytest.raises(Unavailable, match=r"device\.closed"):
        gun.run(lambda: pytest.fail("opened"))
    assert line.closed == 1
