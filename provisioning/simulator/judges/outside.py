"""What one box keeps that none of its scopes holds."""

from __future__ import annotations

from collections.abc import Iterator

from provisioning.simulator.box import Box


def held_outside(box: Box) -> Iterator[str]:
    """Copies without a membership, memberships without a held scope.

    What is this box's own alone, and was dropped from its log, is a copy too and bears no rev of the hub.
    """
    with box.store.read() as conn:
        for row in conn.execute(
            "SELECT DISTINCT label FROM member WHERE label NOT IN (SELECT label FROM cursor) ORDER BY label"
        ):
            yield f"{box.label} keeps members of {row[0]}, which it does not hold"
        for table, rev in (("copy", "rev0"), ("copy_fact", "rev")):
            for row in conn.execute(
                f"SELECT DISTINCT c.etype, c.key FROM {table} c WHERE c.{rev} > 0 "
                "AND NOT EXISTS (SELECT 1 FROM member m WHERE m.etype = c.etype AND m.key = c.key) ORDER BY 1, 2"
            ):
                yield f"{box.label} keeps {table} of {row[0]}/{row[1]} outside its scopes"
        for row in conn.execute(
            "SELECT e.etype, e.key FROM entity e WHERE NOT EXISTS (SELECT 1 FROM member m WHERE m.etype = e.etype "
            "AND m.key = e.key) AND NOT EXISTS (SELECT 1 FROM pending p WHERE p.etype = e.etype AND p.key = e.key) "
            "AND NOT EXISTS (SELECT 1 FROM copy c WHERE c.etype = e.etype AND c.key = e.key AND c.rev0 = 0) "
            "ORDER BY 1, 2"
        ):
            yield f"{box.label} shows {row[0]}/{row[1]} outside its scopes"
