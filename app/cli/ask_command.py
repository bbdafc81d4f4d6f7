"""ask: one question, one answer."""

import argparse
from collections.abc import Sequence

from app.bootstrap import Application
from app.cli.asking import answer_as_json, ask_and_follow, source_lines
from app.cli.console import Console, plural
from app.cli.home import home_of
from app.cli.learning import WAITING
from app.cli.library_commands import outdated_ids
from app.cli.one_shot import prepare_models
from app.cli.session import opened, start
from app.services.answers import Answer
from engine.messages import AnswerMode
from storage.records import DocumentKind, DocumentRecord, DocumentState

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells expect it."""


def ask(options: argparse.Namespace, console: Console) -> int:
    """Answer with the notes that are learnt and on at this moment."""
    question = " ".join(options.question)
    mode = AnswerMode(options.mode) if options.mode else None
    with opened(home_of(options.home), console) as application:
        if mode is not AnswerMode.PLAIN:
            _tell_absent(application, console)
        start(application, learn=False)
        answer = ask_and_follow(
            application,
            console,
            question,
            mode=mode,
            on_text=(lambda _text: None) if options.json else console.piece,
        )
        _tell_outdated(application, console, answer)
        if options.json:
            console.result_json(answer_as_json(answer))
        else:
            _tell_end(answer, console)
        return INTERRUPTED if answer.stopped else 0


def _tell_absent(application: Application, console: Console) -> None:
    """Say before the answer why notes that somebody may count on have no part in it."""
    documents = application.library.documents()
    if n_waiting := sum(document.state in WAITING for document in documents):
        console.remark(f"{plural(n_waiting, 'note')} not learnt yet: “loreleaf add” learns what waits.")
    if not any(document.enabled and document.state is DocumentState.READY for document in documents):
        console.remark("No note takes part: none is learnt and switched on.")


def _tell_outdated(application: Application, console: Console, answer: Answer) -> None:
    """After an answer without a note, look whether an upgrade is the reason: it costs a moment."""
    documents = application.library.documents()
    if answer.mode is AnswerMode.PLAIN or not documents:
        return
    _tell_unfit_imports(application, console, answer, documents)
    if any(source.passage for source in answer.sources):
        return
    if outdated := outdated_ids(application, console):
        console.remark(
            f"{plural(len(outdated), 'note')} learnt with an earlier version of Loreleaf took no part. "
            "“loreleaf add” without a path learns them again."
        )


def _tell_unfit_imports(
    application: Application, console: Console, answer: Answer, documents: Sequence[DocumentRecord]
) -> None:
    """Name the imported adapters that are on and took no part: they fit another base model."""
    took_part = {source.document_id for source in answer.sources}
    is_absent = [
        document.kind is DocumentKind.ADAPTER and document.enabled and document.id not in took_part
        for document in documents
    ]
    if not any(is_absent):
        return
    models = prepare_models(application.profile, console)
    for document in application.profile.imported.for_other_bases(models.base_hash):
        console.remark(
            f"“{document.title}” took no part: it was imported for another base model. "
            f"Import it again, if it fits this one: loreleaf import {document.path}"
        )


def _tell_end(answer: Answer, console: Console) -> None:
    console.result()
    lines = source_lines(answer.sources)
    if lines:
        console.result("\nSources:")
    for line in lines:
        console.result(line)
    if console.is_watched:
        facts = answer.facts
        console.remark(
            f"\n{facts.prompt_tokens} prompt tokens, adapter of rank {facts.adapter_rank}, first token after "
            f"{facts.first_token_s:.2f} s, {facts.tokens_per_s:.1f} tokens/s, {facts.device}"
        )
