"""The records room's screen, and the same for programs."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint

from appliance.features.receiving.service import Receiving
from appliance.features.receiving.views.api import make_api
from appliance.features.receiving.views.counter import make_counter
from appliance.store.print_jobs import PaperJob


def make_views(
    receiving: Receiving,
    *,
    names: Callable[[], dict[str, str]],
    papers: Callable[[str], list[PaperJob]],
    take: Callable[[str, str], None],
) -> tuple[Blueprint, ...]:
    """`names`: user id to name; `papers`: of a record; `take`: where a code from a page's keyboard wedge goes."""
    return make_api(receiving), make_counter(receiving, names, papers, take)
