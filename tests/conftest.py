from hypothesis import HealthCheck, settings

from tests.soak import SOAK, many

# No deadline: two cores may be shared by a browser and a broker. `make soak` draws forty times as many examples.
settings.register_profile("waystation", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("soak", settings.get_profile("waystation"), max_examples=many(100, 4000))
settings.load_profile("soak" if SOAK else "waystation")
