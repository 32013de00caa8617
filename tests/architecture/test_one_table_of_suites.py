"""Which suite a site has is an argument: the table of suites names one, the simulator, and a baseline that times it."""

import ast
from pathlib import Path

NAMED_IN = (
    "sync/kernel/suite.py",
    "sync/adapters/keys/suites.py",
    "provisioning/simulator/",
    "provisioning/bench/commits.py",
)


def names_a_suite(source: str) -> bool:
    """Whether a module imports suite 1 itself, or takes it from its module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and any(each.name in ("suite1", "Suite1") for each in node.names):
            return True
        if isinstance(node, ast.Attribute) and node.attr in ("suite1", "Suite1"):
            return True
    return False


def test_nothing_else_names_a_suite(root: Path, product_modules: list[Path]) -> None:
    naming = [str(path) for path in product_modules if names_a_suite((root / path).read_text("utf-8"))]
    assert [path for path in naming if not path.startswith(NAMED_IN)] == []
    assert any(path.startswith(NAMED_IN) for path in naming)
