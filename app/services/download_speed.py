"""How fast a download is, as a person would say it: not the last block's speed, and not last hour's."""

from collections import deque

WINDOW_S = 10.0
"""The speed is that of the last so many seconds."""

_MIN_S = 1.0
"""Over less than this it would only jump about."""


class DownloadSpeed:
    """Takes how many bytes there are by now, and says how many come per second. Of one thread."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def note(self, now_s: float, n_bytes: int) -> float | None:
        """Take a count; returns bytes per second, None while it is too early to say.

        Args:
            now_s: of a clock that never goes back.
            n_bytes: of the whole download; fewer than before begin a new one.
        """
        if self._seen and n_bytes < self._seen[-1][1]:
            self._seen.clear()
        self._seen.append((now_s, n_bytes))
        while len(self._seen) > 2 and now_s - self._seen[1][0] >= WINDOW_S:
            self._seen.popleft()
        first_s, n_first = self._seen[0]
        if now_s - first_s < _MIN_S or n_bytes == n_first:
            return None
        return (n_bytes - n_first) / (now_s - first_s)
