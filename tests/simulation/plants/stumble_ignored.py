"""The session believes what was never stored."""

from appliance.link import pump


def plant(patch):
    patch.edit(pump.Pump, "_step", "self._stumbled = True", "self._stumbled = False")
