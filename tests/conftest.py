"""Properties are not about speed: on a busy machine an example may take its time."""

import contextlib

with contextlib.suppress(
    ImportError
):  # the environment of mezon-sdk, in which tests/compat run too, has none
    from hypothesis import HealthCheck, settings

    settings.register_profile("any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("any-machine")
