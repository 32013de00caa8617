"""`waystation`: everything a person at a shell may ask of a node, a line or a whole demo day.

Every command takes `--json` (one document on stdout). Exit 0 fine, 1 failed, 2 wrong use, 3 partly done. Commands
import what they need when they run, so that `waystation --help` is quick.
"""

from __future__ import annotations


def main() -> None:
    """Entry point of the console script."""
    from provisioning.cli.app import run

    run()
