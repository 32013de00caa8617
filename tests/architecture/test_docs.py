import re
from pathlib import Path

import pytest

DECISION_PARTS = ("**Context.**", "**Choice.**", "**Consequences.**", "**What would change our mind.**")
WORDS = (
    "病案",
    "住院",
    "待收名单",
    "取件员",
    "病区交接",
    "交接入库",
    "回执",
    "补单录入",
    "封存",
    "要人处理",
    "已送达中心",
    "待送达",
    "中心",
)
READMES = ("README.md", "README.zh-CN.md")


def read(root: Path, name: str) -> str:
    return (root / name).read_text(encoding="utf-8")


def commands(text: str) -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [line for block in blocks for line in block.strip().splitlines()]


def test_both_readmes_say_the_same_commands(root: Path) -> None:
    first, second = (read(root, name) for name in READMES)
    assert commands(first) == commands(second) == ["apt-get install -y make git", "make demo", "make test"]
    inline = r"`(make [a-z]+|[a-z_]+/(?:[a-z_]+/)?)`"
    assert sorted(set(re.findall(inline, first))) == sorted(set(re.findall(inline, second)))


@pytest.mark.parametrize("name", READMES)
def test_the_map_names_every_folder_of_the_product(root: Path, tracked: list[Path], name: str) -> None:
    text = read(root, name)
    folders = {path.parts[0] for path in tracked if len(path.parts) > 1 and not path.parts[0].startswith(".")}
    assert [folder for folder in sorted(folders - {"bench"}) if f"| `{folder}/` |" not in text] == []


@pytest.mark.parametrize("name", READMES)
def test_every_make_command_exists(root: Path, name: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", read(root, "Makefile"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)`", read(root, name))) <= targets


def test_links_lead_somewhere(root: Path, tracked: list[Path]) -> None:
    broken = []
    for page in tracked:
        if page.suffix == ".md":
            for target in re.findall(r"(?<!!)\[[^\]]+\]\(([^)#]+)", read(root, str(page))):
                if "://" not in target and not (root / page.parent / target).exists():
                    broken.append(f"{page} -> {target}")
    assert broken == []


def test_decisions_are_whole_and_numbered(root: Path) -> None:
    pages = sorted((root / "docs/decisions").glob("*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert text.startswith(f"# {page.name[:4]} ")
        assert [part for part in DECISION_PARTS if part not in text] == [], page.name


def test_every_contract_is_on_its_page(root: Path) -> None:
    page = read(root, "docs/decisions/0004-import-contracts.md")
    rules = set(re.findall(r"^name = (R\d+) ", read(root, ".importlinter"), re.MULTILINE))
    assert rules and {rule for rule in rules if f"| {rule} |" not in page} == set()


@pytest.mark.parametrize("word", WORDS)
def test_the_glossary_has_the_word(root: Path, word: str) -> None:
    assert re.search(rf"^\| [a-z -]+ \| {word} \| .+ \|$", read(root, "docs/glossary.md"), re.MULTILINE)


def test_no_word_is_explained_twice(root: Path) -> None:
    words = re.findall(r"^\| ([a-z -]+) \| [^|]+ \| [^|]+ \|$", read(root, "docs/glossary.md"), re.MULTILINE)
    words = [word for word in words if word != "word"]
    assert len(words) == len(set(words))


def test_every_shared_feature_says_what_it_is(root: Path, tracked: list[Path]) -> None:
    """Each package of `sync/domain` opens with a sentence, and a state machine with more than one."""
    for init in (path for path in tracked if len(path.parts) == 4 and path.parts[:2] == ("sync", "domain")):
        if init.name == "__init__.py":
            assert len(read(root, str(init)).strip().strip('"')) > 20, init


def test_changelog_names_the_version(root: Path) -> None:
    version = re.search(r'^version = "(.+)"$', read(root, "pyproject.toml"), re.MULTILINE)
    assert version and f"\n## {version[1]}\n" in read(root, "CHANGELOG.md")
