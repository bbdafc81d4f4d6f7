"""What ``loreleaf`` does without a display and without a terminal: learn the samples and answer questions."""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import app
from app.bootstrap import Application
from app.cli.asking import ask_and_follow, source_lines
from app.cli.console import Console, plural
from app.cli.errors import CommandFailed
from app.cli.home import named_home
from app.cli.learning import Learning
from app.cli.session import opened, start
from app.ui.samples import Samples, find_samples
from engine.messages import AnswerMode

N_QUESTIONS = 3


def samples_folder() -> Path:
    """The sample notes that are shipped with the program."""
    return Path(app.__path__[0]) / "samples"


def show_samples(options: argparse.Namespace, console: Console) -> int:
    """Learn the samples, answer three questions about them; 1 if a note could not be learnt.

    In the profile that was named, otherwise in a temporary one: nobody's library gets samples unasked.
    """
    samples = find_samples(samples_folder())
    if not samples.notes or len(samples.questions) < N_QUESTIONS:
        raise CommandFailed("The sample notes are missing.", f"They belong into {samples_folder()}.")
    with _folder(named_home(options.home)) as home, opened(home, console) as application:
        if not _learn(application, console, samples):
            return 1
        for question in samples.questions[:N_QUESTIONS]:
            console.result(f"\nQuestion: {question.text}")
            console.piece("Answer: ")
            answer = ask_and_follow(
                application, console, question.text, mode=AnswerMode.MEMORY, on_text=console.piece
            )
            console.result("\nSources:")
            for line in source_lines(answer.sources):
                console.result(line)
            if not answer.answer.strip():
                raise CommandFailed("The answer is empty.", "“loreleaf doctor” looks for the reason.")
    return 0


def _learn(application: Application, console: Console, samples: Samples) -> bool:
    console.result(
        f"Learning {plural(len(samples.notes), 'sample note')}. The first time this takes a minute."
    )
    report = application.ingest.add_paths(samples.notes)
    learning = Learning(application, console, [*report.added, *report.unchanged])
    start(application, learn=True)
    return not learning.wait() and not report.skipped


@contextmanager
def _folder(named: Path | None) -> Iterator[Path]:
    if named is not None:
        yield named
        return
    with tempfile.TemporaryDirectory(prefix="loreleaf-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
