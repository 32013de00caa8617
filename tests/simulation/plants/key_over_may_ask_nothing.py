"""A machine whose key is over cannot ask for the next with it."""

from hub.link import key_desk
from sync.kernel.outcome import PeerFault


def plant(patch):
    def refuse(self, raw, row):
        raise PeerFault("renew.key")

    patch(key_desk.KeyDesk, "renew", refuse)
