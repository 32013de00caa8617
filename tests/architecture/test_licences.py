import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

# Under each of these a library may be shipped beside a program under Apache-2.0.
SHIPPED = {
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "EDL-1.0",
    "HPND",
    "ISC",
    "LGPL-2.1-or-later",
    "LGPL-3.0-only",
    "MIT",
    "MIT-0",
    "MIT-CMU",
    "MPL-2.0",
    "PSF-2.0",
    "Public Domain",
    "Unlicense",
    "Zlib",
}
# Tools of development are run, never shipped.
RUN_ONLY = SHIPPED | {"OSL-3.0", "CNRI-Python"}
# A program of its own uses it and nothing else of ours does (R12); it is in an extra, installed where it is wanted.
APART = {"pycups": {"GPL-2.0-or-later"}}

SPELLINGS = {
    r"apache software license|apache license,? version 2\.0|apache-?2(\.0)?": "Apache-2.0",
    r"(the )?mit( license)?": "MIT",
    r"(new |modified |3-clause )?bsd( license)?|bsd[- ]3-clause.*": "BSD-3-Clause",
    r"mozilla public license 2\.0 \(mpl 2\.0\)": "MPL-2.0",
    r"python software foundation license|psf.*": "PSF-2.0",
    r"isc license.*": "ISC",
    r"zlib.*": "Zlib",
}
# Where the metadata is silent or says more than the licence: what the licence file in the package says.
READ_BY_HAND = {
    "peewee": {"MIT"},
    "pycups": {"GPL-2.0-or-later"},
    "pyphen": {"LGPL-2.1-or-later"},  # LGPL 2 or later is one of three to choose from
    "sqlcipher3": {"Zlib"},
    "qrcode": {"BSD-3-Clause"},  # the second classifier is about the trade mark of the word
}


def licences(name: str) -> set[str]:
    """Short names of what must be accepted; of alternatives, the first that may be shipped."""
    dist = metadata.distribution(name)
    if name in READ_BY_HAND:
        return READ_BY_HAND[name]
    if expression := dist.metadata.get("License-Expression"):
        parts = [part.strip("() ").split(" OR ") for part in expression.split(" AND ")]
        return {next((one for one in options if one in SHIPPED), options[0]) for options in parts}
    classifiers = dist.metadata.get_all("Classifier", [])
    named = [line.split(" :: ")[-1] for line in classifiers if line.startswith("License ::")]
    named = [one for one in named if one != "OSI Approved"] or [dist.metadata.get("License") or "nothing named"]
    return {spdx(one.strip()) for one in named}


def spdx(name: str) -> str:
    return next((short for form, short in SPELLINGS.items() if re.fullmatch(form, name, re.IGNORECASE)), name)


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def needed_by(names: list[str]) -> set[str]:
    """The named distributions and all that they need here, markers and extras aside."""
    found: set[str] = set()
    waiting = [canonical(re.split(r"[\[<>=!~ ;]", name)[0]) for name in names]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            requires = metadata.distribution(name).requires or []
        except metadata.PackageNotFoundError:
            continue  # asked for on another platform only
        found.add(name)
        waiting += [canonical(re.split(r"[\[<>=!~ ;(]", line)[0]) for line in requires if "extra ==" not in line]
    return found


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, object]:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.mark.parametrize("extra", [None, "cups", "s3", "dev"])
def test_every_library_may_be_used_as_it_is(project: dict, extra: str | None) -> None:
    asked = project["optional-dependencies"][extra] if extra else project["dependencies"]
    allowed = RUN_ONLY if extra == "dev" else SHIPPED
    needed = needed_by(asked)
    assert len(needed) >= len(asked)
    odd = {name: licences(name) - allowed - (APART.get(name, set()) if extra else set()) for name in sorted(needed)}
    assert {name: left for name, left in odd.items() if left} == {}


def test_a_strong_copyleft_licence_would_be_seen() -> None:
    assert spdx("GNU General Public License v3 (GPLv3)") not in RUN_ONLY
    assert licences("zplkit").isdisjoint(SHIPPED)


def test_what_was_left_out_stays_out(root: Path) -> None:
    locked = {line.split("==")[0] for line in (root / "requirements.lock").read_text(encoding="utf-8").splitlines()}
    assert locked.isdisjoint({"pymupdf", "gmssl", "flask-babel"})
