"""Ask one question and follow its answer on the main thread, so that Ctrl-C can stop it."""

import queue
from collections.abc import Callable, Sequence

from app.bootstrap import Application
from app.cli.console import Console
from app.services.answers import (
    Answer,
    AnswerEvent,
    AnswerFinished,
    AnswerRefused,
    AnswerText,
    QuestionRefused,
)
from app.services.library_events import LibraryEvent, ModelPreparationProgressed
from app.services.plain_text import one_line
from engine.messages import AnswerMode
from storage.records import SourceRecord

NO_MEMORY = "The model in use is your own, and has learnt no notes: it was shown the passages that fit."
_SLICE_S = 0.1
_PASSAGE_WIDTH = 72


def ask_and_follow(
    application: Application,
    console: Console,
    question: str,
    *,
    mode: AnswerMode | None,
    chat_id: int | None = None,
    on_text: Callable[[str], None],
) -> Answer:
    """Ask and wait for the end. The services must be started. Ctrl-C stops the answer, which is returned.

    Args:
        on_text: called on this thread with each piece of the answer.

    Raises:
        QuestionRefused: there is no answer.
    """
    happened: queue.SimpleQueue[AnswerEvent | LibraryEvent] = queue.SimpleQueue()
    unsubscribe = application.events.subscribe(happened.put)
    running = application.chat.ask(chat_id, question, mode=mode, on_event=happened.put)
    console.progress("…")
    try:
        while True:
            try:
                match happened.get(timeout=_SLICE_S):
                    case ModelPreparationProgressed(share=share) if share < 1:
                        console.progress(f"Unpacking the language model: {share:.0%}")
                    case AnswerText(text=text):
                        on_text(text)
                    case AnswerFinished(answer=answer):
                        if mode is AnswerMode.MEMORY and answer.mode is not mode:
                            console.remark(NO_MEMORY)
                        return answer
                    case AnswerRefused(title=title, detail=detail):
                        raise QuestionRefused(title, detail)
            except queue.Empty:
                continue
            except KeyboardInterrupt:
                running.stop()  # its end follows as an event
    finally:
        running.stop()
        unsubscribe()


def source_lines(sources: Sequence[SourceRecord]) -> list[str]:
    """The sources of an answer for people, one line each, the greatest share first."""
    lines: list[str] = []
    for source in sources:
        passage = one_line(source.passage) or "(an imported adapter)"
        if len(passage) > _PASSAGE_WIDTH:
            passage = passage[: _PASSAGE_WIDTH - 1].rstrip() + "…"
        lines.append(f"{source.weight:>4.0%}  {source.document}: {passage}")
    return lines


def answer_as_json(answer: Answer) -> dict[str, object]:
    """All that is known about an answer."""
    return {
        "answer": answer.answer,
        "preface": answer.preface,
        "confidence": None if answer.confidence is None else round(answer.confidence, 4),
        "mode": answer.mode.value,
        "sources": [
            {
                "document": source.document,
                "passage": source.passage,
                "weight": round(source.weight, 6),
                "path": source.path,
            }
            for source in answer.sources
        ],
        "prompt_tokens": answer.facts.prompt_tokens,
        "completion_tokens": answer.facts.completion_tokens,
        "adapter_rank": answer.facts.adapter_rank,
        "first_token_s": round(answer.facts.first_token_s, 6),
        "tokens_per_s": round(answer.facts.tokens_per_s, 3),
        "device": answer.facts.device,
        "stopped": answer.stopped,
    }
