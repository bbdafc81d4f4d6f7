"""Text that SQLite can keep. Python's may hold lone surrogates: some PDFs and file names yield them."""


def is_storable(text: str) -> bool:
    """Whether UTF-8 can encode the text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def storable(text: str) -> str:
    """The text with each lone surrogate replaced by U+FFFD; same length."""
    if is_storable(text):
        return text
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
