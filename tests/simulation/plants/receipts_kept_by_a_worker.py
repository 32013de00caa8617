"""A worker keeps for itself what only the first of them can act on."""

from provisioning.simulator import workers

SCHEDULE = "proof_shown_to_a_worker"


def plant(patch):
    patch(workers, "for_the_first", lambda raw, epoch: raw[6] == 21)
