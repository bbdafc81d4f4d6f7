"""Failures of the engine whose cause lies outside the program.

Each carries a ``title`` that a person who never heard of LoRA understands, and a ``detail`` that says what
to do. Everything else that goes wrong is a bug and is left to crash into the process's top.
"""

from typing import Protocol, runtime_checkable


@runtime_checkable
class UserFacing(Protocol):
    """A failure that is told to the user, whichever package it is of; all others are bugs.

    ``EngineError``, ``storage.errors.StorageError`` and ``app.services.errors.UserFacingError`` fit it
    without inheriting. It stands here, on the lowest floor that asks (the private log), because engine and
    storage do not know each other.
    """

    @property
    def title(self) -> str:
        """One short sentence, without file names or jargon."""
        ...

    @property
    def detail(self) -> str:
        """What happened exactly, with the values involved, and what the user can do; may be empty."""
        ...


class EngineError(Exception):
    """Base of all engine failures that are told to the user.

    Args:
        title: one short sentence, without file names or jargon.
        detail: what happened exactly, with the values involved, and what the user can do.
    """

    def __init__(self, title: str, detail: str = "") -> None:
        super().__init__(f"{title} {detail}".strip())
        self.title = title
        self.detail = detail

    def __reduce__(self) -> tuple[type["EngineError"], tuple[str, str]]:
        # Exceptions with more than one constructor argument do not unpickle by default.
        return type(self), (self.title, self.detail)


class UnreadableDocument(EngineError):
    """A file could not be turned into text: empty, binary, gone, too large, no permission."""


class ModelUnavailable(EngineError):
    """A model file is missing, has the wrong hash, or cannot be loaded."""


class InvalidAdapter(EngineError):
    """Adapter factors or an adapter file that must not reach llama.cpp."""


class EngineDied(EngineError):
    """A worker process ended without having said so."""
