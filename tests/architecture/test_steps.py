import re
from pathlib import Path

from sync.adapters.sqlite_log.steps import STEPS

ROOMS = ("sync", "hub/link", "hub/boot.py", "appliance/link")
_UNIT = re.compile(r"\b\w*store\.write\(([^)]*)\)")
_STEP = re.compile(r'step="([a-z.]+)"|step: str = "([a-z.]+)"|\.point\("([a-z.]+):(?:before|after)"\)')


def test_every_unit_of_the_engine_names_its_step_and_the_table_names_no_other(
    root: Path, product_modules: list[Path]
) -> None:
    named: set[str] = set()
    for path in product_modules:
        text = (root / path).read_text(encoding="utf-8")
        if str(path).startswith(ROOMS):
            bare = [unit for unit in _UNIT.findall(text) if "step=" not in unit]
            assert bare == [], f"{path}: a durable step without a name"
            named |= {name for found in _STEP.findall(text) for name in found if name}
    assert named == set(STEPS)
