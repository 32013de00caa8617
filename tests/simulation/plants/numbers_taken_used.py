"""A process goes on under numbers that its running copy has used."""

from appliance.link.performer import Performer


def plant(patch):
    patch(Performer, "_leave_to_the_other", lambda self, outcomes: [])
