"""Writes docs/generated/rows.md: each clause of rows.toml and the tests that name it.

Reads marks from the source of the tests, so neither a database nor a device is needed. `--check` writes nothing and
fails when a mark names no clause, a clause has no test, or the page is not what the tests say.
"""

import argparse
import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/generated/rows.md"


def clauses(path: Path = ROOT / "docs/rows.toml") -> dict[str, str]:
    """Clause id (`F10.3`) to its sentence, in the order of the file."""
    rows = tomllib.loads(path.read_text(encoding="utf-8"))
    return {f"{row}.{number}": words for row, body in rows.items() for number, words in body["clauses"].items()}


def marked(source: str) -> Iterator[tuple[str, str]]:
    """(clause, name of the test) for each `pytest.mark.row("...")`; a mark outside a test speaks for the whole file."""

    def walk(node: ast.AST, owner: str) -> Iterator[tuple[str, str]]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            owner = node.name
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "row"
            and isinstance(node.func.value, ast.Attribute)
            and node.func.value.attr == "mark"
        ):
            for argument in node.args:
                yield (argument.value if isinstance(argument, ast.Constant) else ast.unparse(argument)), owner
        for child in ast.iter_child_nodes(node):
            yield from walk(child, owner)

    yield from walk(ast.parse(source), "the whole file")


def proofs(tests: Path = ROOT / "tests") -> dict[str, list[str]]:
    """Clause to the tests that name it, as `path::test`, sorted."""
    found: dict[str, set[str]] = {}
    for path in sorted(tests.rglob("test_*.py")):
        for clause, name in marked(path.read_text(encoding="utf-8")):
            found.setdefault(clause, set()).add(f"{path.relative_to(tests.parent)}::{name}")
    return {clause: sorted(names) for clause, names in sorted(found.items())}


def page(rows: dict[str, dict], found: dict[str, list[str]]) -> str:
    proven = sum(f"{row}.{number}" in found for row, body in rows.items() for number in body["clauses"])
    total = sum(len(body["clauses"]) for body in rows.values())
    lines = ["# Rows", "", f"Written by `make rows`. {proven} of {total} clauses have a test.", ""]
    for row, body in rows.items():
        lines += [
            f"## {row} {body['title']} · {body['title_zh']}",
            "",
            "| clause | in our words | proven by |",
            "|---|---|---|",
        ]
        for number, words in body["clauses"].items():
            tests = "<br>".join(f"`{name}`" for name in found.get(f"{row}.{number}", [])) or "no test yet"
            lines.append(f"| {row}.{number} | {words} | {tests} |")
        lines.append("")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    check = parser.parse_args().check
    known, found = clauses(), proofs()
    text = page(tomllib.loads((ROOT / "docs/rows.toml").read_text(encoding="utf-8")), found)
    faults = [
        f"{clause} is no clause of docs/rows.toml ({', '.join(found[clause])})"
        for clause in found
        if clause not in known
    ]
    if check:
        faults += [f"{clause} has no test" for clause in known if clause not in found]
        if not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
            faults.append("docs/generated/rows.md is not what the tests say: run `make rows`")
    else:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(text, encoding="utf-8")
    print("\n".join(faults) or f"{len(known)} clauses, {sum(clause in found for clause in known)} with a test")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
