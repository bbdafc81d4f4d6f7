"""The user's token for the Hugging Face hub, where some publishers ask who downloads their model.

Kept in a file of its own that only the user may read: never in the settings, the catalog, a log or a message.
"""

from pathlib import Path

from engine.errors import EngineError
from engine.formats.atomic_files import write_whole

_LONGEST = 500
_ONLY_THE_USER = 0o600


class TokenMissing(EngineError):
    """The publisher wants to know who downloads: ask the user for a token, try again.

    Args:
        title, detail: what to say, and where to accept and to make a token.
        page: where the publisher's conditions are accepted.
        has_refused: there was a token, and it did not do.
    """

    def __init__(self, title: str, detail: str = "", page: str = "", *, has_refused: bool = False) -> None:
        super().__init__(title, detail)
        self.page = page
        self.has_refused = has_refused


class HubToken:
    """The token that Loreleaf keeps. Any thread.

    Args:
        path: its file; need not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def path(self) -> Path:
        """Its file."""
        return self._path

    def read(self) -> str:
        """The token; empty if none is kept, or none that could be one."""
        try:
            return check_token(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return ""

    def keep(self, token: str) -> None:
        """Keep a token.

        Raises:
            ValueError: it cannot be one.
            OSError: the file cannot be written.
        """
        write_whole(self._path, check_token(token) + "\n", mode=_ONLY_THE_USER)

    def remember(self, token: str) -> str:
        """Keep a token that worked, if it can be kept; returns the sentence that says so to the user."""
        try:
            self.keep(token)
        except OSError as exc:
            return f"The token could not be kept ({exc.strerror}); give it again the next time."
        return f"The token is kept in {self._path}; delete that file to forget it."

    def forget(self) -> None:
        """Delete the kept token; raises OSError."""
        self._path.unlink(missing_ok=True)


def check_token(text: str) -> str:
    """``text`` without the white space around it, if it can be a token.

    Raises:
        ValueError: it cannot. The message does not repeat it.
    """
    token = text.strip()
    if not token or len(token) > _LONGEST or not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError("this is not a token: one word of letters and digits is expected, such as hf_…")
    return token
