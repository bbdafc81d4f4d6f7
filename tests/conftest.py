"""What holds for all tests."""

import os

from hypothesis import settings

# A time limit per example would measure what else the computer does.
settings.register_profile("loreleaf", deadline=None)
settings.load_profile("loreleaf")


def pytest_collection_finish() -> None:
    """Let the workers' processes choose how OpenMP waits, as they do for users.

    The tests' own process has loaded OpenMP by now and stays passive; what stands in the environment is
    inherited, and would make each note that is learnt in a test take half as long again.
    """
    os.environ.pop("OMP_WAIT_POLICY", None)
