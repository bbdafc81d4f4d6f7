"""What the empty chat says, by the state of the library."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from storage.records import DocumentRecord, DocumentState


@dataclass(frozen=True, slots=True)
class WelcomeWords:
    """A title, one sentence and at most one button; ``{n}`` in the button is the number of samples."""

    title: str
    sentence: str
    button: str = ""


class Welcome(Enum):
    """Which empty chat it is; the value is what it says."""

    LOADING = WelcomeWords("", "Opening your library…")
    NOT_OPENED = WelcomeWords(
        "Your library is not open",
        "The message at the top says why. Put that right, then start Loreleaf again.",
    )
    FIRST_RUN = WelcomeWords(
        "Ask your own notes",
        "Loreleaf learns your notes by heart and answers questions about them. "
        "Everything stays on this computer.",
        "Try it with {n} sample notes of an invented person",
    )
    LEARNING = WelcomeWords(
        "Your notes are being learnt",
        "You can ask as soon as the first one is ready; the others join in as they come.",
    )
    ALL_FAILED = WelcomeWords(
        "No note could be learnt", "The list on the left says why for each file. Retry is there as well."
    )
    ALL_OFF = WelcomeWords(
        "All notes are switched off", "Switch on those that may take part in answers, on the left."
    )
    READY = WelcomeWords(
        "Ask your notes",
        "Every note that is switched on can take part in the answer. "
        "Below each answer you see which ones did.",
    )

    @property
    def words(self) -> WelcomeWords:
        """What is said."""
        return self.value


def welcome(documents: Sequence[DocumentRecord] | None) -> Welcome:
    """The empty chat for a library; None while it is not known yet."""
    if documents is None:
        return Welcome.LOADING
    if not documents:
        return Welcome.FIRST_RUN
    ready = [document for document in documents if document.state is DocumentState.READY]
    if any(document.enabled for document in ready):
        return Welcome.READY
    if any(document.state in {DocumentState.QUEUED, DocumentState.LEARNING} for document in documents):
        return Welcome.LEARNING
    return Welcome.ALL_OFF if ready else Welcome.ALL_FAILED
