"""Where a profile keeps its files."""

from dataclasses import dataclass
from pathlib import Path

import platformdirs


@dataclass(frozen=True, slots=True)
class ProfilePaths:
    """Names of everything inside one profile folder. Computes only; creates nothing.

    Attributes:
        home: the profile folder, absolute.
    """

    home: Path

    @property
    def catalog(self) -> Path:
        """SQLite file with documents, adapters, jobs, chats and search rows."""
        return self.home / "catalog.sqlite3"

    @property
    def backups(self) -> Path:
        """Folder with copies of the catalog made before a migration."""
        return self.home / "backups"

    @property
    def cache_models(self) -> Path:
        """Folder with base models; all of it can be made or fetched again."""
        return self.home / "cache" / "models"

    @property
    def models(self) -> Path:
        """Folder that says what was fetched, and which local files stand in for a download."""
        return self.home / "models"

    @property
    def hub_token(self) -> Path:
        """The user's token for the Hugging Face hub; only they may read it."""
        return self.home / "hub-token"

    @property
    def logs(self) -> Path:
        """Folder with log files."""
        return self.home / "logs"

    @property
    def settings(self) -> Path:
        """JSON file with the user's settings."""
        return self.home / "settings.json"

    @property
    def lock(self) -> Path:
        """Lock file held by the one process that ingests."""
        return self.home / "profile.lock"


def default_home() -> Path:
    """The platform's folder for this app's data. The caller decides whether LORELEAF_HOME overrides it."""
    return Path(platformdirs.user_data_dir("loreleaf", appauthor=False, roaming=False))
