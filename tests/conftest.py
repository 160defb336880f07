"""Settings of all tests."""

from hypothesis import settings

# An example's time says how busy the machine is, not whether the code is right.
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")
