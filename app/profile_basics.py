"""What of a profile is there at once.

The window is shown with it: nothing here opens the catalog, or imports much.
"""

from dataclasses import dataclass
from pathlib import Path

from app.services.notices import NoticeBoard
from app.services.settings import SettingsFile
from storage.paths import ProfilePaths


@dataclass(frozen=True, slots=True)
class ProfileBasics:
    """A profile before its catalog is open."""

    paths: ProfilePaths
    notices: NoticeBoard
    settings: SettingsFile


def read_basics(home: Path) -> ProfileBasics:
    """The basics of the profile in ``home``; makes nothing, so ``home`` need not exist."""
    paths = ProfilePaths(home.expanduser().resolve())
    notices = NoticeBoard()
    return ProfileBasics(paths, notices, SettingsFile(paths.settings, notices))
