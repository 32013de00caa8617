"""The query tables of a box that follow from folded states: what boot installs and a rebuild makes again."""

from __future__ import annotations

from appliance.features.collecting.store import RoundProjector
from appliance.features.people.store import PeopleProjector
from appliance.features.receiving.store import ReceivingProjector
from appliance.store.custody import CustodyProjector
from appliance.store.site import SiteProjector
from sync.adapters.sqlite_log.node_store import Projector
from sync.kernel.suite import Suite


def folded_projectors(suite: Suite) -> list[Projector]:
    """Fresh ones, in the order they project."""
    return [CustodyProjector(), RoundProjector(), ReceivingProjector(), PeopleProjector(), SiteProjector(suite)]
