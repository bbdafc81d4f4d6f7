"""Why a command ended without having done what it was asked."""

from app.services.errors import UserFacingError


class CommandFailed(UserFacingError):
    """Told to the user on stderr; the exit code is 1."""
