"""Settings of all tests."""

import gc

from hypothesis import settings

# An example's time says how busy the machine is, not whether the code is right.
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")
# A tenth of the time went into looking for garbage among modules and models, which stay.
gc.set_threshold(50_000)


def pytest_collection_finish() -> None:
    gc.freeze()
