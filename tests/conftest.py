"""What holds for all tests."""

from hypothesis import settings

# A time limit per example would measure what else the computer does.
settings.register_profile("loreleaf", deadline=None)
settings.load_profile("loreleaf")
