"""The courier's screen: wards, scan, hand-over, rounds; and the same for programs."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint

from appliance.features.collecting.due import DueLists
from appliance.features.collecting.service import Collecting
from appliance.features.collecting.views.api import make_api
from appliance.features.collecting.views.entry import make_entry
from appliance.features.collecting.views.handing_over import make_handing_over
from appliance.features.collecting.views.scanning import make_scanning
from appliance.features.collecting.views.wards import make_wards
from appliance.store.print_jobs import PaperJob

Names = Callable[[], dict[str, str]]
Papers = Callable[[str], list[PaperJob]]
Take = Callable[[str, str], None]


def make_views(
    collecting: Collecting, lists: DueLists, *, names: Names, papers: Papers, take: Take
) -> tuple[Blueprint, ...]:
    """`names`: user id to name; `papers`: of a round; `take`: where a code from a page's keyboard wedge goes."""
    return (
        make_api(collecting, lists),
        make_wards(collecting, lists, names),
        make_scanning(collecting, lists, take),
        make_entry(collecting, lists),
        make_handing_over(collecting, lists, names, papers),
    )
