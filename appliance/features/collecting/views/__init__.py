"""The courier's screen: wards, scan, hand-over, rounds; and the same for programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint

from appliance.features.collecting.due import DueLists
from appliance.features.collecting.screens import HOW_WORDS, REASON_WORDS, RECEIPT_WORDS, VERDICT_WORDS
from appliance.features.collecting.service import Collecting
from appliance.features.collecting.views.api import make_api
from appliance.features.collecting.views.entry import make_entry
from appliance.features.collecting.views.handing_over import make_handing_over
from appliance.features.collecting.views.scanning import make_scanning
from appliance.features.collecting.views.wards import make_wards
from appliance.store.print_jobs import PaperJob
from sync.domain.tracking import words

Names = Callable[[], dict[str, str]]
Papers = Callable[[str], list[PaperJob]]
Take = Callable[[str, str], None]


def make_views(
    collecting: Collecting, lists: DueLists, *, names: Names, papers: Papers, take: Take
) -> tuple[Blueprint, ...]:
    """`names`: user id to name; `papers`: of a round; `take`: where a code from a page's keyboard wedge goes."""
    pages = (
        make_wards(collecting, lists, names),
        make_scanning(collecting, lists, take),
        make_entry(collecting, lists),
        make_handing_over(collecting, lists, names, papers),
    )
    for views in pages:
        views.context_processor(_words)
    return (make_api(collecting, lists), *pages)


def _words() -> dict[str, Any]:
    """What templates say for the codes of a round."""
    return {
        "reason_words": REASON_WORDS,
        "verdict_words": VERDICT_WORDS,
        "how_words": HOW_WORDS,
        "receipt_words": RECEIPT_WORDS,
        "reasons": words.REASONS,
    }
