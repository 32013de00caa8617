"""The hub forgets to end a hold that its asker never heard of."""

from hub.link import lease_office


def plant(patch):
    patch.edit(
        lease_office.LeaseOffice,
        "tidy",
        "tables.termed_open(conn)",
        "[each for each in tables.termed_open(conn) if each.kind != words.HOLD]",
    )
