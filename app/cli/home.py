"""Which profile folder a command is about."""

import os
from pathlib import Path

from storage.paths import default_home

HOME_VARIABLE = "LORELEAF_HOME"


def named_home(option: str | None) -> Path | None:
    """The profile folder that the user named, by the option or by LORELEAF_HOME; None if by neither."""
    name = option or os.environ.get(HOME_VARIABLE)
    return Path(name).expanduser() if name else None


def home_of(option: str | None) -> Path:
    """The profile folder to use."""
    return named_home(option) or default_home()
