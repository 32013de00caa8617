"""What never belongs in the repository: people, keys, machines' own paths, registries' addresses."""

import re
from pathlib import Path

import pytest

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)

PATTERNS = {
    # Written in pieces, so that this file does not hold what it looks for.
    "a machine's path": re.compile(
        r"(?<![\w./~-])/(?:" + "|".join(("work", "root", "home/[a-z]", "Users/", "opt/py", "tmp/[a-z]")) + r")[\w/.-]*"
    ),
    "a registry's address": re.compile(
        r"(?:"
        + "|".join(("pypi\\.", "files\\.python" + "hosted", "registry\\.npm", "npm" + "mirror", "artifactory"))
        + r")[a-z]*[./:]"
    ),
    "a half-resolved merge": re.compile(r"^(?:<{7} |>{7} |={7}$)", re.MULTILINE),
    "an index setting": re.compile(r"--(?:extra-)?index-url|--find-links|--trusted-host"),
    "a private key": re.compile("-----BEGIN [A-Z ]*PRIVATE " + "KEY"),
    "a mainland mobile number": re.compile(r"(?<![\w.-])1[3-9]\d{9}(?![\w.-])"),
    "a mail address": re.compile(r"[\w.+-]+@(?!example\b)(?!.*\.example\b)[\w-]+\.(?:com|cn|net|org)\b"),
}
CITIZEN_NUMBER = re.compile(r"(?<![0-9A-Za-z])\d{17}[0-9Xx](?![0-9A-Za-z])")


def citizen_number(digits: str) -> bool:
    """An 18-digit personal number whose check digit is right. Source: GB 11643-1999, section 3.3."""
    month, day = int(digits[10:12]), int(digits[12:14])
    right = "10X98765432"[sum(w * int(d) for w, d in zip(WEIGHTS, digits, strict=False)) % 11]
    return right == digits[17].upper() and 1 <= month <= 12 and 1 <= day <= 31


def texts(root: Path, tracked: list[Path]) -> list[tuple[Path, str]]:
    found = []
    for path in tracked:
        data = (root / path).read_bytes()
        if b"\0" not in data[:4096] and path.suffix not in {".png", ".webp", ".lock"}:
            found.append((path, data.decode("utf-8", errors="replace")))
    return found


@pytest.mark.parametrize("what", PATTERNS)
def test_no_tracked_file_holds(what: str, root: Path, tracked: list[Path]) -> None:
    here = Path(__file__).relative_to(root)
    found = [
        (str(path), text[: match.start()].count("\n") + 1, match.group())
        for path, text in texts(root, tracked)
        for match in PATTERNS[what].finditer(text)
        if path != here
    ]
    assert found == []


def test_no_tracked_file_holds_a_personal_number(root: Path, tracked: list[Path]) -> None:
    found = [
        (str(path), match.group())
        for path, text in texts(root, tracked)
        for match in CITIZEN_NUMBER.finditer(text)
        if citizen_number(match.group())
    ]
    assert found == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a machine's path", "see /home" + "/ann/notes"),
        ("a registry's address", "https://registry.npm" + "js.org/htmx"),
        ("an index setting", "--extra-index" + "-url x"),
        ("a private key", "-----BEGIN EC PRIVATE " + "KEY-----"),
        ("a mainland mobile number", "call 1380013" + "8000"),
        ("a mail address", "ann@hospital" + ".cn"),
    ],
)
def test_the_patterns_see(what: str, text: str) -> None:
    assert PATTERNS[what].search(text)


def test_the_personal_number_check_sees() -> None:
    """The number is the standard's own printed example."""
    assert citizen_number("11010519491231" + "002X")
    assert not citizen_number("11010519491231" + "0021")


def test_only_text_pictures_and_golden_bytes_are_tracked(root: Path, tracked: list[Path]) -> None:
    large = {str(path): (root / path).stat().st_size for path in tracked if (root / path).stat().st_size > 1_500_000}
    assert large == {}
    bundles = [
        path for path in tracked if path.name.endswith((".min.js", ".whl", ".pyc", ".db", ".key", ".pem", ".mo"))
    ]
    assert [path for path in bundles if path.parts[:2] != ("tests", "golden")] == []


def test_nobody_but_the_product_speaks(root: Path, tracked: list[Path]) -> None:
    """The repository speaks of the product alone, not of the tools or talks it came from."""
    words = re.compile(
        "|".join(("chat" + "gpt", "co" + "pilot", "cla" + "ude", "language " + "model", "sub" + "agent")), re.I
    )
    assert [str(path) for path, text in texts(root, tracked) if words.search(text)] == []
