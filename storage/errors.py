"""Failures of the store whose cause lies outside the program (disk full, damaged file, locked, too new)."""


class StorageError(Exception):
    """Base of all failures of the store that are told to the user.

    Args:
        title: one short sentence a user understands.
        detail: what happened, with the values involved, and what to do.
    """

    def __init__(self, title: str, detail: str = "") -> None:
        super().__init__(f"{title} {detail}".strip())
        self.title = title
        self.detail = detail


class CatalogDamaged(StorageError):
    """The catalog file cannot be read; it was moved aside, never deleted."""


class CatalogTooNew(StorageError):
    """The catalog was written by a newer version; it is left unchanged."""


class NotInCatalog(StorageError):
    """A document or chat was removed while someone still worked with it."""
