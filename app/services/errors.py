"""Failures of the program's own that are told to the user; engine and storage have theirs."""


class UserFacingError(Exception):
    """Fits ``engine.errors.UserFacing``, by which all of them are known.

    Args:
        title: one clear sentence.
        detail: what happened exactly and what to do; may be empty.
    """

    def __init__(self, title: str, detail: str = "") -> None:
        super().__init__(f"{title} {detail}".strip())
        self.title = title
        self.detail = detail
