"""The hub's query tables: what boot installs, and what of it follows from folded states and can be made again."""

from __future__ import annotations

from hub.features.audit.store import AuditProjector
from hub.features.calendar.store import CalendarProjector
from hub.features.fleet.store import FleetTables
from hub.features.imports.store import ImportTables
from hub.features.people.store import PeopleProjector
from hub.features.records.store import RecordsProjector
from hub.features.sign_in.store import SessionTables
from sync.adapters.sqlite_log.node_store import Projector


def folded_projectors(store_key: bytes) -> list[Projector]:
    """Fresh ones, in the order they project. Addresses of records hang on the store's key."""
    return [RecordsProjector(store_key), PeopleProjector(), CalendarProjector()]


def all_projectors(store_key: bytes) -> list[Projector]:
    """Also those that keep facts as lines, and tables of this machine alone."""
    return [*folded_projectors(store_key), AuditProjector(), SessionTables(), ImportTables(), FleetTables()]
