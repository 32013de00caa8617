"""A hub that was put back believes its own record of a machine, and not the key in it."""

from hub.link import learning
from provisioning.simulator import staff


def plant(patch):
    for room in (learning, staff):
        patch(room, "takes_key", lambda unit, row, identity, key_id: True)
