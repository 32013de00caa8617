"""The pages of docs/reference say what the program says."""

from __future__ import annotations

import importlib.util
import shlex
from pathlib import Path
from types import ModuleType

import pytest

from tests.acceptance.helpers import Site

ROOT = Path(__file__).parents[2]
OWN_RUNS = {"bench", "demo", "simulate"}
"""Commands that run for a while: their own tests read their documents."""


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs/reference.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["settings.md", "kinds.md", "machines.md"])
def test_a_page_is_what_the_program_says(reference: ModuleType, name: str) -> None:
    assert (ROOT / "docs/reference" / name).read_text("utf-8") == reference.PAGES_OF[name](), "run `make reference`"


def test_every_command_answers_with_the_keys_of_its_example(reference: ModuleType, site: Site, tmp_path: Path) -> None:
    page = (ROOT / "docs/reference/commands.md").read_text("utf-8")
    examples = reference.written_examples(page)
    now = reference.commands(site.stage, tmp_path, quick=True)
    told = [(words_of(command), answer) for command, _, answer in now.told]
    written = [(words_of(command), one) for command, one in examples.items() if words_of(command)[0] not in OWN_RUNS]
    assert [words for words, _ in told] == [words for words, _ in written], "run `make reference`"
    for (words, answer), (_, example) in zip(told, written, strict=True):
        assert keys(answer) == keys(example), f"{' '.join(words)}: run `make reference`"


def words_of(command: str) -> tuple[str, ...]:
    """A command without its values: the program's words and the names of its options."""
    words = shlex.split(command)[1:]
    return tuple(
        word
        for n, word in enumerate(words)
        if word.startswith("--") or n == 0 or words[0] == "provision" == words[n - 1]
    )


def keys(document: object) -> object:
    """The names that a reader of the document may rely on, on its first level."""
    if isinstance(document, list):
        return keys(document[0]) if document else None
    return sorted(document) if isinstance(document, dict) else None
