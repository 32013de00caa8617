"""The hub looks at nobody when it grants a hold."""

from hub.link import lease_office


def plant(patch):
    patch.edit(lease_office.LeaseOffice, "_hold", "tables.keeper_of(unit.conn, ask.resource, now_ms)", "None")
