"""The pages of docs/reference say what the program says, to the last key of each example."""

from __future__ import annotations

import importlib.util
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from provisioning.cli.usage import usages
from tests.acceptance.helpers import Site

ROOT = Path(__file__).parents[2]
OWN_RUNS = {"bench", "demo", "simulate"}
"""Commands that run for a while: their own tests read their documents."""
BY_NAME = {"body", "feeds", "paper", "refusals", "refused"}
"""Members whose keys are names of things, and come and go with them."""


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs/reference.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["settings.md", "kinds.md", "machines.md", "usage.md"])
def test_a_page_is_what_the_program_says(reference: ModuleType, name: str) -> None:
    assert (ROOT / "docs/reference" / name).read_text("utf-8") == reference.PAGES_OF[name](), "run `make reference`"


def test_every_command_answers_with_the_keys_of_its_example(reference: ModuleType, site: Site, tmp_path: Path) -> None:
    page = (ROOT / "docs/reference/commands.md").read_text("utf-8")
    examples = reference.written_examples(page)
    now = reference.commands(site.stage, tmp_path, quick=True)
    told = [(words_of(command), answer) for command, _, answer in now.told]
    written = [(words_of(command), one) for command, one in examples.items() if words_of(command)[0] not in OWN_RUNS]
    assert [words for words, _ in told] == [words for words, _ in written], "run `make reference`"
    said = [pair for pair in reference.headings(page) if pair[0].split()[0] not in OWN_RUNS]
    assert said == reference.headings(now.page()), "run `make reference`"
    differ = [f"{' '.join(words)}: {place}" for (words, answer), (_, example) in zip(told, written, strict=True)
              for place in differences(answer, example)]  # fmt: skip
    assert differ == [], "run `make reference`"


def test_every_command_says_what_it_is_for_and_answers_with_one_document() -> None:
    for each in usages():
        assert each.says.endswith((".", "!")) and all(one.says for one in each.asked), each.words
        assert any(one.name == "--json" for one in each.asked) or each.words.endswith(" run"), each.words


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"a": 2, "b": [{"c": 2}], "feeds": {"site": {"sseq": 1}}}, []),
        ({"a": None, "b": [], "feeds": {"ward:W1": {"sseq": 1}}}, []),
        ({"a": 1, "b": [{"c": 2, "d": 3}], "feeds": {}}, ["b[].d"]),
        ({"b": [{"c": 2}]}, ["a", "feeds"]),
        ({"a": {"x": 1}, "b": [{"c": 2}], "feeds": {"site": {}}}, ["a", "feeds.site.sseq"]),
    ],
)
def test_a_key_that_came_or_went_is_found_however_deep(document: object, found: list[str]) -> None:
    written = {"a": 1, "b": [{"c": 9}], "feeds": {"site": {"sseq": 5}}}
    assert list(differences(document, written)) == found


def words_of(command: str) -> tuple[str, ...]:
    """A command without its values: the program's words and the names of its options."""
    words = shlex.split(command)[1:]
    return tuple(
        word
        for n, word in enumerate(words)
        if word.startswith("--") or n == 0 or words[0] == "provision" == words[n - 1]
    )


def differences(now: object, written: object, place: str = "") -> Iterator[str]:
    """Where a reader of the documents would find other keys. Of an empty list nothing is known."""
    if isinstance(now, dict) and isinstance(written, dict):
        by_name = place.rpartition(".")[2] in BY_NAME
        for key in sorted({*now, *written}):
            below = f"{place}.{key}" if place else key
            if key in now and key in written:
                yield from differences(now[key], written[key], below)
            elif not by_name:
                yield below
    elif isinstance(now, list) and isinstance(written, list):
        if now and written:
            yield from differences(now[0], written[0], f"{place}[]")
    elif (isinstance(now, dict | list) or isinstance(written, dict | list)) and None not in (now, written):
        yield place
