"""The user's settings, kept as JSON in the profile."""

import json
import os
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path

from app.services.notices import NoticeBoard
from engine.messages import AnswerMode
from engine.models.registry import BUILT_IN

DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings with their defaults. Constructing one with a value out of range raises ValueError.

    Attributes:
        mode: how answers use the notes unless a question says otherwise.
        max_active_chunks: at most this many passages take part in one answer.
        max_answer_tokens: longest answer.
        temperature: 0 gives the most probable answer each time.
        model: name of the base model, as ``loreleaf models list`` shows it. Takes effect at the next start.
        device: for learning: "auto", "cpu", "cuda" or "mps". Takes effect at the next start.
        n_threads: CPU threads of each worker; None lets the engine choose. Takes effect at the next start.
        n_ctx: context window of the chat in tokens. Takes effect at the next start.
        idle_unload_s: the models for learning are freed after this many seconds without work.
        settle_s: a watched file is read when nothing happened to it for this long.
    """

    mode: AnswerMode = AnswerMode.MEMORY
    max_active_chunks: int = 8
    max_answer_tokens: int = 256
    temperature: float = 0.0
    model: str = BUILT_IN
    device: str = "auto"
    n_threads: int | None = None
    n_ctx: int = 4096
    idle_unload_s: float = 300.0
    settle_s: float = 1.0

    def __post_init__(self) -> None:
        _check_number("max_active_chunks", self.max_active_chunks, 1, 64)
        _check_number("max_answer_tokens", self.max_answer_tokens, 1, 4096)
        _check_number("temperature", self.temperature, 0.0, 2.0)
        _check_number("n_ctx", self.n_ctx, 1024, 131072)
        _check_number("idle_unload_s", self.idle_unload_s, 1.0, 86400.0)
        _check_number("settle_s", self.settle_s, 0.05, 60.0)
        if self.n_threads is not None:
            _check_number("n_threads", self.n_threads, 1, 256)
        if self.device not in DEVICES:
            raise ValueError(f"device must be one of {', '.join(DEVICES)}, got {self.device!r}")


class SettingsFile:
    """The settings in force, and their file. Any thread.

    Keys the program does not know (of a newer version) are kept when it writes. A file that is not JSON is
    moved aside, a value that makes no sense is ignored; both are said in a notice.
    """

    def __init__(self, path: Path, notices: NoticeBoard) -> None:
        self._path = path
        self._notices = notices
        self._lock = threading.Lock()
        self._unknown: dict[str, object] = {}
        self._current = self._load()

    @property
    def current(self) -> Settings:
        """The settings in force."""
        return self._current

    def save(self, settings: Settings) -> None:
        """Put ``settings`` in force and write them: beside, then over the old file.

        Raises:
            OSError: the file cannot be written; the settings are in force until the program ends.
        """
        self.change(lambda _current: settings)

    def change(self, change: Callable[[Settings], Settings]) -> None:
        """Put what ``change`` makes of the current settings in force, and write it as ``save`` does.

        Nobody else's change gets lost in between, whichever threads they come from.

        Raises:
            OSError: as ``save``.
        """
        with self._lock:
            self._current = change(self._current)
            text = json.dumps({**self._unknown, **asdict(self._current)}, indent=2, ensure_ascii=False)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            beside = self._path.with_name(f"{self._path.name}.{os.getpid()}.new")
            beside.write_text(text + "\n", encoding="utf-8")
            beside.replace(self._path)

    def _load(self) -> Settings:
        try:
            raw = json.loads(self._path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):  # the latter is told when the catalog is opened
            return Settings()
        except OSError as exc:
            self._notices.warn(
                "The settings cannot be read.",
                "Loreleaf uses its defaults.",
                f"{self._path}: {exc.strerror or exc}",
            )
            return Settings()
        except (
            ValueError,
            RecursionError,
        ) as exc:  # not UTF-8, or not JSON, or nested for thousands of levels
            self._move_aside(str(exc))
            return Settings()
        if not isinstance(raw, dict):
            self._move_aside(f"expected an object, found {type(raw).__name__}")
            return Settings()
        return self._accept(raw)

    def _accept(self, raw: dict[str, object]) -> Settings:
        """Take each known value that is valid; one bad value does not cost the others."""
        names = {field.name for field in fields(Settings)}
        self._unknown = {key: value for key, value in raw.items() if key not in names}
        settings = Settings()
        for name in names & raw.keys():
            try:
                settings = replace(settings, **{name: _typed(name, raw[name])})  # type: ignore[arg-type]
            except (ValueError, TypeError, RecursionError) as exc:
                self._notices.warn("A setting was ignored.", "Its default is used instead.", str(exc))
        return settings

    def _move_aside(self, reason: str) -> None:
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        aside = self._path.with_name(f"{self._path.name}.broken-{stamp}")
        try:
            self._path.replace(aside)
            where = f"It was kept as {aside.name}."
        except OSError as exc:
            where = f"It could not be moved aside: {exc.strerror or exc}."
        self._notices.warn(
            "The settings file was damaged.",
            f"Loreleaf uses its defaults. {where}",
            f"{self._path}: {reason}",
        )


def _typed(name: str, value: object) -> object:
    """``value`` as the type of the setting ``name``.

    Raises:
        TypeError: it has another type.
        ValueError: it is no mode.
    """
    if name == "mode":
        return AnswerMode(str(value))
    default = getattr(Settings(), name)
    if name == "n_threads":
        expected: tuple[type, ...] = (int, type(None))
    elif isinstance(default, float):
        expected = (int, float)
    else:
        expected = (type(default),)
    if not isinstance(value, expected) or isinstance(value, bool) != isinstance(default, bool):
        raise TypeError(f"{name} has the value {value!r}, which is of the wrong kind")
    return value


def _check_number(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise ValueError(f"{name} must be between {least:g} and {most:g}, got {value!r}")
