import os

from hypothesis import HealthCheck, settings

# No deadline: two cores may be shared by a browser and a broker. `make soak` draws forty times as many examples.
settings.register_profile("waystation", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("soak", settings.get_profile("waystation"), max_examples=4000)
settings.load_profile("soak" if os.environ.get("WAYSTATION_SOAK") else "waystation")
