import pytest

from hardware.drivers.glyphs import Glyphs
from tests.adapters.names.second_look import Shape, chromium_shapes
from tests.soak import SOAK

STEP = 1 if SOAK else 4
"""`make soak` looks at every character of GB 2312, `make test` at each fourth; both at all rare ones."""
NOWHERE = "\U0010ffff"
"""Of which Chromium draws what it draws for want of a glyph."""
LATIN_NAME = "Maximiliana-Konstantinopolitanskaya-Roth"


@pytest.fixture(scope="session")
def glyphs() -> Glyphs:
    return Glyphs()


@pytest.fixture(scope="session")
def gb2312() -> tuple[str, ...]:
    """The Chinese characters of GB 2312, rows 16 to 87: 6,763 of them, or each `STEP`th."""
    found = []
    for row in range(16, 88):
        for cell in range(1, 95):
            try:
                found.append(bytes((0xA0 + row, 0xA0 + cell)).decode("gb2312"))
            except UnicodeDecodeError:
                continue
    assert len(found) == 6763
    return tuple(found[::STEP])


def in_gb2312(char: str) -> bool:
    try:
        return bool(char.encode("gb2312"))
    except UnicodeEncodeError:
        return False


@pytest.fixture(scope="session")
def rare() -> tuple[str, ...]:
    """500 more that names are written with: from the basic block and extensions A to F, evenly, and four known ones."""
    blocks = ((0x4E00, 0x9FCC, 150), (0x3400, 0x4DB5, 150), (0x20000, 0x2A6D6, 140), (0x2A700, 0x2B734, 20),
              (0x2B740, 0x2B81D, 12), (0x2B820, 0x2CEA1, 12), (0x2CEB0, 0x2EBE0, 12))  # fmt: skip
    found = list("𠮷㼆鿍䶮")
    for first, last, count in blocks:
        step = (last - first) // (count * 2)
        fresh = (chr(at) for at in range(first + 7, last, step) if not in_gb2312(chr(at)))
        found += [char for char, _ in zip(fresh, range(count), strict=False)]
    assert len(found) == len(set(found)) == 500
    return tuple(found)


@pytest.fixture(scope="session")
def signs() -> tuple[str, ...]:
    """What else is in GB 2312, rows 1 to 9, but for the blank: 681 of 682, or each `STEP`th."""
    found = []
    for row in range(1, 10):
        for cell in range(1, 95):
            try:
                found.append(bytes((0xA0 + row, 0xA0 + cell)).decode("gb2312"))
            except UnicodeDecodeError:
                continue
    assert len(found) == 682
    return tuple(char for char in found if not char.isspace())[::STEP]


@pytest.fixture(scope="session")
def hanzi(gb2312: tuple[str, ...], rare: tuple[str, ...]) -> tuple[str, ...]:
    return (*gb2312, *rare)


@pytest.fixture(scope="session")
def references(hanzi: tuple[str, ...]) -> dict[str, Shape]:
    """Chromium's shapes of all of them, and of `NOWHERE`."""
    return chromium_shapes((*hanzi, NOWHERE))
