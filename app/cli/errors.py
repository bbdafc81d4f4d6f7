"""Why a command ended without having done what it was asked."""


class CommandFailed(Exception):
    """Told to the user on stderr; the exit code is 1.

    Args:
        title: one clear sentence.
        detail: what happened exactly and what to do; may be empty.
    """

    def __init__(self, title: str, detail: str = "") -> None:
        super().__init__(f"{title} {detail}".strip())
        self.title = title
        self.detail = detail
