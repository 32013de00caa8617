"""What happens between an IPP printer's spool and its output tray; the twin printer runs it for each job.

Called `paper_path.py FOLDER FILE` with the variables that ippeveprinter sets (`IPP_COPIES`, `IPP_SIDES`,
`IPP_PRINT_COLOR_MODE`, `IPP_JOB_NAME`, `IPP_JOB_ID`). Each sheet that comes out is a line of `FOLDER/sheets.jsonl`,
written before the printer counts it, as paper is. `FOLDER/tray.json`, written by the twin alone, says what the printer
has: `paper_until` and `jam_at` are numbers of sheets since the printer was made (None: never), `side_s` the time a
side takes. Out of paper it waits; a jam drops the job once somebody has cleared it.

It stands alone on the standard library, because it starts once a job.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

LOOK_S = 0.02


def main(folder: Path, document: Path) -> int:
    sides = 2 if os.environ.get("IPP_SIDES", "").startswith("two-sided") else 1
    copies = int(os.environ.get("IPP_COPIES", "1"))
    pages = _texts(document)
    journal = folder / "sheets.jsonl"
    number = len(journal.read_bytes().splitlines()) if journal.exists() else 0
    done = 0
    for _ in range(copies):
        for first in range(0, len(pages), sides):
            _wait_for_paper(folder, number)
            if _jammed(folder, number):
                return 1
            sheet = pages[first : first + sides]
            time.sleep(_tray(folder)["side_s"] * len(sheet))
            with journal.open("a", encoding="utf-8") as file:
                file.write(json.dumps(_told(number, sheet), ensure_ascii=False) + "\n")
            number += 1
            done += len(sheet)
            _say(f"ATTR: job-impressions-completed={done}")
    return 0


def _told(number: int, sheet: list[str]) -> dict[str, object]:
    return {
        "n": number,
        "job": os.environ.get("IPP_JOB_NAME", ""),
        "printer_job": int(os.environ.get("IPP_JOB_ID", "0")),
        "sides": sheet,
        "colour": os.environ.get("IPP_PRINT_COLOR_MODE", "") == "color",
    }


def _texts(document: Path) -> list[str]:
    """What is drawn on each page, read back as a reader would."""
    done = subprocess.run(
        ["pdftotext", "-q", "-enc", "UTF-8", str(document), "-"], stdout=subprocess.PIPE, check=True, timeout=60
    )
    return [page.strip() for page in done.stdout.decode("utf-8").split("\f")[:-1]]


def _tray(folder: Path) -> dict[str, float]:
    return dict(json.loads((folder / "tray.json").read_text()))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _wait_for_paper(folder: Path, number: int) -> None:
    def empty() -> bool:
        until = _tray(folder)["paper_until"]
        return until is not None and number >= until

    if empty():
        _say("STATE: +media-empty-error")
        while empty():
            time.sleep(LOOK_S)
        _say("STATE: -media-empty-error")


def _jammed(folder: Path, number: int) -> bool:
    if _tray(folder)["jam_at"] != number:
        return False
    _say("STATE: +media-jam-error")
    while _tray(folder)["jam_at"] == number:
        time.sleep(LOOK_S)
    _say("STATE: -media-jam-error")
    return True


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
