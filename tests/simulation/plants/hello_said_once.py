"""A hello that was lost is not said again."""

from sync.protocol import session


def plant(patch):
    patch.edit(
        session.Session,
        "_say_hello",
        "self._hello_again_s = now_s + RESEND_LIVE_S * 2 ** (self._hello_tries - 1)",
        'self._hello_again_s = float("inf")',
    )
