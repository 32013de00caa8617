"""A box signs with its next key before the hub has signed for it."""

from appliance.link import rekeying


def plant(patch):
    patch.edit(rekeying.Rekeying, "settle", "if recorded is not None and recorded.signing == public:", "if recorded:")
