"""chat: questions and answers in the terminal, with the same library as the window."""

import argparse
import queue
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

from app.bootstrap import Application
from app.cli.asking import ask_and_follow, source_lines
from app.cli.console import Console, plural
from app.cli.demo import samples_folder
from app.cli.errors import CommandFailed
from app.cli.home import home_of
from app.cli.learning import WAITING, Learning, describe, queued_elsewhere
from app.cli.naming import find_documents
from app.cli.session import opened, start
from app.services.answers import Answer, QuestionRefused
from app.services.notices import Notice
from app.ui.samples import find_samples
from engine.messages import AnswerMode
from storage.errors import StorageError
from storage.records import DocumentRecord, DocumentState

_HELP = """\
Type a question, or:
  /notes            the notes, and whether they take part
  /add PATH...      learn files and folders
  /samples          learn a dozen notes of an invented person, to play with
  /on DOC...        let notes take part        /off DOC...   keep them out
  /mode MODE        memory, quotes or plain
  /sources          the passages behind the last answer
  /quit             leave (Ctrl-D does too; Ctrl-C stops an answer)"""


def chat(options: argparse.Namespace, console: Console) -> int:
    """Answer until the user leaves. Without a terminal, one question per line of stdin."""
    notices: queue.SimpleQueue[Notice] = queue.SimpleQueue()
    with opened(home_of(options.home), console, headless=False, on_notice=notices.put) as application:
        start(application, learn=True)
        mode = AnswerMode(options.mode) if options.mode else None
        TerminalChat(application, console, notices, mode).run()
    return 0


class TerminalChat:
    """One conversation. Main thread.

    Args:
        application: started.
        console: where it takes place.
        notices: what the services had to say meanwhile; shown before the next question.
        mode: of the answers; None takes the one in the settings.
    """

    def __init__(
        self,
        application: Application,
        console: Console,
        notices: "queue.SimpleQueue[Notice]",
        mode: AnswerMode | None,
    ) -> None:
        self._application = application
        self._console = console
        self._notices = notices
        self._mode = mode or application.settings.current.mode
        self._chat_id: int | None = None
        self._last: Answer | None = None
        self._is_terminal = sys.stdin.isatty()
        self._commands: dict[str, Callable[[list[str]], None]] = {
            "/help": lambda _words: console.result(_HELP),
            "/notes": lambda _words: self._show_notes(),
            "/add": lambda words: self._add([Path(word) for word in words]),
            "/samples": lambda _words: self._add(list(find_samples(samples_folder()).notes)),
            "/on": lambda words: self._switch(words, on=True),
            "/off": lambda words: self._switch(words, on=False),
            "/mode": self._set_mode,
            "/sources": lambda _words: self._show_sources(),
        }

    def run(self) -> None:
        """Until the input ends, or the user says so."""
        if self._is_terminal:
            _edit_lines()
            self._greet()
        while (line := self._read()) is not None and line not in ("/quit", "/exit"):
            if not line:
                continue
            try:
                self._obey(line)
            except (CommandFailed, QuestionRefused, StorageError) as exc:
                self._console.remark(f"{exc.title} {exc.detail}".strip())
            except KeyboardInterrupt:
                self._console.remark("Stopped.")

    def _greet(self) -> None:
        documents = self._application.library.documents()
        n_ready = sum(document.state is DocumentState.READY for document in documents)
        if documents:
            self._console.result(f"{plural(n_ready, 'note')} learnt. Ask something, or type /help.")
        else:
            self._console.result(
                "The library is empty. /add PATH learns a file or folder, /samples a dozen sample notes."
            )

    def _read(self) -> str | None:
        while not self._notices.empty():
            self._console.show_notice(self._notices.get())
        self._console.end()
        try:
            if self._is_terminal:
                return input("\n> ").strip()
            line = sys.stdin.readline()
        except (EOFError, KeyboardInterrupt):
            self._console.result()
            return None
        return line.strip() if line else None

    def _obey(self, line: str) -> None:
        if not line.startswith("/"):
            self._ask(line)
            return
        name, _, rest = line.partition(" ")
        command = self._commands.get(name)
        if command is None:
            raise CommandFailed(f"There is no command {name}.", "/help shows what there is.")
        try:
            # On Windows a backslash is part of a path.
            words = shlex.split(rest, posix=sys.platform != "win32")
        except ValueError as exc:
            raise CommandFailed("The quotation marks do not match.", str(exc)) from exc
        command(words)

    def _ask(self, question: str) -> None:
        if self._chat_id is None:
            self._chat_id = self._application.chat.new_chat().id
        documents = self._application.library.documents()
        if n_waiting := sum(document.state in WAITING for document in documents):
            self._console.remark(f"{plural(n_waiting, 'note')} still being learnt take no part yet.")
        self._last = ask_and_follow(
            self._application,
            self._console,
            question,
            mode=self._mode,
            chat_id=self._chat_id,
            on_text=self._console.piece,
        )
        answer = self._last
        self._console.result(" (stopped)" if answer.stopped else "")
        if answer.sources:
            shares = ", ".join(f"{source.document} {source.weight:.0%}" for source in answer.sources)
            self._console.result(f"[{shares}]")
        elif answer.mode is not AnswerMode.PLAIN:
            self._console.result("[no note took part]")

    def _show_notes(self) -> None:
        documents = self._application.library.documents()
        for document in documents:
            self._console.result(f"{'on ' if document.enabled else 'off'}  {describe(document)}")
        if not documents:
            self._console.result("There are none. /add PATH learns a file or folder.")

    def _show_sources(self) -> None:
        if self._last is None or not self._last.sources:
            self._console.result(
                "No note took part in the last answer." if self._last else "Nothing was asked yet."
            )
            return
        for line, source in zip(source_lines(self._last.sources), self._last.sources, strict=True):
            self._console.result(f"{line.partition(':')[0]}  ({source.path})\n{source.passage}\n")

    def _add(self, paths: list[Path]) -> None:
        if not paths:
            raise CommandFailed("There is nothing to add.", "/add PATH learns a file or folder.")
        report = self._application.ingest.add_paths(paths)
        for path, reason in report.skipped:
            self._console.remark(f"{path}: {reason}")
        known = [*report.added, *report.unchanged]
        for document in known:
            if document.state in (DocumentState.READY, DocumentState.FAILED):
                self._console.result(describe(document))
        if self._application.lock.is_held or not self._waits_elsewhere(known):
            Learning(self._application, self._console, known).wait()

    def _waits_elsewhere(self, documents: list[DocumentRecord]) -> bool:
        """Whether another process of this library learns what was added; says so."""
        if self._application.lock.wait_held(1.0):
            return False
        self._console.result(queued_elsewhere(len(documents)))
        return True

    def _switch(self, names: list[str], *, on: bool) -> None:
        documents = find_documents(self._application.library.documents(), names)
        self._application.library.set_enabled([document.id for document in documents], on)
        for document in documents:
            self._console.result(f"{'on ' if on else 'off'}  {document.title}")

    def _set_mode(self, words: list[str]) -> None:
        try:
            self._mode = AnswerMode(words[0] if words else "")
        except ValueError as exc:
            raise CommandFailed(
                f"The mode is {self._mode}.", "/mode memory, /mode quotes or /mode plain changes it."
            ) from exc
        self._console.result(f"The mode is {self._mode}.")


def _edit_lines() -> None:
    """Let the arrow keys work in ``input``, where Python can."""
    try:
        import readline  # noqa: F401  its import is what switches it on
    except ImportError:
        return
