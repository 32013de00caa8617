"""What numbers were given away is known to the database alone."""

from hub.link import lease_office


def plant(patch):
    patch.edit(
        lease_office.LeaseOffice,
        "_block",
        "self._marks.mark(ask.resource)",
        "max([row.lease().last for row in [tables._row(r) for r in conn.execute("
        "f'SELECT {tables._COLUMNS} FROM granted_lease WHERE kind = 1')]] or [0])",
    )
