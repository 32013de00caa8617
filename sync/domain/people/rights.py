"""What each role may do. A route names one right; who does not hold it is refused.

Auditing is apart from administering on purpose: who can change people must not be the one who reads what was done.
Source: GB/T 22239-2019, 8.1.4 (separation of administration and audit at level 3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

COURIER, NURSE, CLERK, ADMINISTRATOR, AUDITOR = "courier", "nurse", "clerk", "administrator", "auditor"
ROLES: Final = (COURIER, NURSE, CLERK, ADMINISTRATOR, AUDITOR)

RIGHTS: Final[Mapping[str, frozenset[str]]] = {
    COURIER: frozenset(
        {
            "collect.scan",
            "collect.undo",
            "collect.backfill",
            "collect.handover",
            "round.rebuild",
            "record.search",
            "record.name",
            "settings.read",
        }
    ),
    NURSE: frozenset({"handover.confirm"}),
    CLERK: frozenset(
        {
            "receive.scan",
            "receive.close",
            "label.print",
            "round.rebuild",
            "collect.backfill",
            "list.import",
            "record.search",
            "record.name",
            "anomaly.settle",
            "stats.read",
            "identity.read",
            "settings.read",
        }
    ),
    ADMINISTRATOR: frozenset(
        {
            "list.import",
            "record.search",
            "record.name",
            "record.seal",
            "anomaly.settle",
            "stats.read",
            "people.manage",
            "calendar.edit",
            "fleet.manage",
            "identity.read",
            "settings.read",
        }
    ),
    AUDITOR: frozenset({"audit.read", "stats.read", "record.search", "settings.read"}),
}
ALL_RIGHTS: Final = frozenset().union(*RIGHTS.values())


def rights_of(roles: Iterable[str]) -> frozenset[str]:
    """All rights of the roles; a role that is not known carries none."""
    return frozenset().union(*(RIGHTS.get(role, frozenset()) for role in roles))
