import threading

import pytest

from app.bootstrap import Application
from app.services.answers import (
    AnswerEvent,
    AnswerFinished,
    AnswerRefused,
    AnswerStarted,
    AnswerText,
    QuestionRefused,
    RunningAnswer,
)
from app.services.settings import Settings
from engine.messages import AnswerMode, WorkerFailed
from storage.catalog import Catalog
from storage.errors import StorageError
from storage.records import Role
from tests.app.conftest import SETTLE_S, Bench
from tests.app.fakes import HYPERNETWORK_HASH
from tests.patience import PATIENCE_S


def learn(bench: Bench, application: Application, **texts: str) -> dict[str, int]:
    """Have notes learnt; their ids by name."""
    paths = [bench.write(f"{name}.md", text) for name, text in texts.items()]
    application.ingest.add_paths(paths)
    bench.wait_ready(*(path.name for path in paths))
    return {document.title: document.id for document in application.library.documents()}


def ask_and_hold(bench: Bench, application: Application, chat_id: int | None = None) -> RunningAnswer:
    """Ask "One?"; the answer has begun with "echo: " and goes on when the chat engine is released."""
    bench.chat_engine.released.clear()
    has_text = threading.Event()
    running = application.chat.ask(
        chat_id, "One?", on_event=lambda event: has_text.set() if isinstance(event, AnswerText) else None
    )
    assert has_text.wait(PATIENCE_S)
    return running


def test_a_question_is_answered_with_its_sources_and_both_are_kept(bench: Bench) -> None:
    application = bench.start()
    ids = learn(bench, application, garden="The pear tree was planted in 2011.")
    chat = application.chat.new_chat()
    told: list[AnswerEvent] = []

    running = application.chat.ask(chat.id, "When was the pear tree planted?", on_event=told.append)
    answer = running.result(PATIENCE_S)

    assert answer.answer == "echo: When was the pear tree planted?"
    assert [source.document for source in answer.sources] == ["garden"]
    assert answer.sources[0].weight == 1.0
    assert answer.facts.adapter_rank == 8
    assert [type(event) for event in told] == [AnswerStarted, AnswerText, AnswerText, AnswerFinished]
    question, kept = application.chat.turns(chat.id)
    assert (question.role, question.text) == (Role.USER, "When was the pear tree planted?")
    assert (kept.id, kept.text, kept.sources, kept.facts) == (
        answer.turn_id,
        answer.answer,
        answer.sources,
        answer.facts,
    )
    assert kept.sources[0].document_id == ids["garden"]


def test_a_note_switched_off_takes_no_part_in_the_next_answer_of_the_same_chat(bench: Bench) -> None:
    application = bench.start()
    ids = learn(bench, application, secret="The code is 4711.", other="Bread needs salt.")
    chat = application.chat.new_chat()
    assert (
        application.chat.ask(chat.id, "What is the code?").result(PATIENCE_S).sources[0].document == "secret"
    )

    application.library.set_enabled([ids["secret"]], False)
    answer = application.chat.ask(chat.id, "What is the code?").result(PATIENCE_S)

    assert [source.document for source in answer.sources] == ["other"]
    last = bench.chat_engine.asked[-1]
    assert len(last.parts) == 1
    assert last.question == "What is the code?"  # nothing of the earlier turns
    application.library.set_enabled([ids["other"]], False)
    assert application.chat.ask(chat.id, "What is the code?").result(PATIENCE_S).sources == ()
    assert bench.chat_engine.asked[-1].parts == ()


def test_a_note_switched_off_while_the_worker_starts_takes_no_part(bench: Bench) -> None:
    application = bench.start()
    ids = learn(bench, application, secret="The code is 4711.")
    application.close()
    again = bench.build()
    running = again.chat.ask(None, "What is the code?")

    again.library.set_enabled([ids["secret"]], False)
    again.start()

    assert running.result(PATIENCE_S).sources == ()


def test_a_note_being_learnt_anew_takes_no_part_with_its_old_text(bench: Bench) -> None:
    application = bench.start()
    learn(bench, application, secret="The code is 4711.")
    bench.ingest_engine.hold()
    application.ingest.add_paths([bench.write("secret.md", "The code is 1234.")])
    bench.ingest_engine.wait_begun(2)

    assert application.chat.ask(None, "What is the code?").result(PATIENCE_S).sources == ()


def test_adapters_of_another_hypernetwork_are_neither_used_nor_named(bench: Bench) -> None:
    application = bench.start()
    learn(bench, application, secret="The code is 4711.")
    application.close()
    bench.preparation.hypernetwork_hash = "d" * 64
    second = bench.build()
    second.start(learn=False)

    assert second.chat.ask(None, "What is the code?").result(PATIENCE_S).sources == ()
    assert bench.chat_engine.asked[-1].parts == ()


def test_the_budget_holds_and_shares_add_up_to_one(bench: Bench) -> None:
    application = bench.start()
    application.settings.save(Settings(max_active_chunks=3, settle_s=SETTLE_S))
    learn(bench, application, **{f"n{number}": f"The colour {number} is {number}." for number in range(6)})

    answer = application.chat.ask(None, "Which colour?").result(PATIENCE_S)

    assert len(answer.sources) == len(bench.chat_engine.asked[-1].parts) == 3
    assert sum(source.weight for source in answer.sources) == pytest.approx(1.0)
    shares = [source.weight for source in answer.sources]
    assert shares == sorted(shares, reverse=True)


def test_memory_has_no_quotes_and_plain_has_nothing_of_the_notes(bench: Bench) -> None:
    application = bench.start()
    learn(bench, application, garden="The pear tree was planted in 2011.")
    for mode in AnswerMode:
        application.chat.ask(None, "When was the pear tree planted?", mode=mode).result(PATIENCE_S)

    by_mode = {ask.mode: ask for ask in bench.chat_engine.asked}
    assert by_mode[AnswerMode.MEMORY].quotes == ()
    assert len(by_mode[AnswerMode.MEMORY].parts) == 1
    assert by_mode[AnswerMode.QUOTES].quotes == ("The pear tree was planted in 2011.",)
    assert len(by_mode[AnswerMode.QUOTES].parts) == 1
    assert (by_mode[AnswerMode.PLAIN].parts, by_mode[AnswerMode.PLAIN].quotes) == ((), ())


def test_the_mode_and_the_length_come_from_the_settings(bench: Bench) -> None:
    application = bench.start()
    application.settings.save(
        Settings(mode=AnswerMode.PLAIN, max_answer_tokens=17, temperature=0.7, settle_s=SETTLE_S)
    )

    application.chat.ask(None, "Why?").result(PATIENCE_S)

    asked = bench.chat_engine.asked[-1]
    assert (asked.mode, asked.max_tokens, asked.temperature) == (AnswerMode.PLAIN, 17, 0.7)


def test_equal_sets_of_notes_are_asked_for_in_the_same_order(bench: Bench) -> None:
    application = bench.start()
    learn(bench, application, a="Apples are red.", b="Plums are blue.")

    application.chat.ask(None, "apples or plums?").result(PATIENCE_S)
    application.chat.ask(None, "plums or apples?").result(PATIENCE_S)

    first, second = bench.chat_engine.asked
    assert [part.key for part in first.parts] == [part.key for part in second.parts]
    assert len(first.parts) == 2
    assert all(part.key.endswith(HYPERNETWORK_HASH[:12]) for part in first.parts)


def test_a_question_while_another_is_answered_is_refused_in_clear_words(bench: Bench) -> None:
    application = bench.start()
    first = ask_and_hold(bench, application)

    with pytest.raises(QuestionRefused, match="Another question is being answered"):
        application.chat.ask(None, "Two?").result(PATIENCE_S)

    bench.chat_engine.released.set()
    assert first.result(PATIENCE_S).answer == "echo: One?"


def test_an_empty_question_is_refused(bench: Bench) -> None:
    application = bench.start()

    with pytest.raises(QuestionRefused, match="no question"):
        application.chat.ask(None, " \n").result(PATIENCE_S)


def test_a_stopped_answer_keeps_what_there_was(bench: Bench) -> None:
    application = bench.start()
    chat = application.chat.new_chat()
    running = ask_and_hold(bench, application, chat.id)

    running.stop()
    answer = running.result(PATIENCE_S)

    assert (answer.answer, answer.stopped) == ("echo: ", True)
    assert application.chat.turns(chat.id)[1].stopped
    running.stop()  # over: does nothing


def test_a_question_stopped_before_the_models_are_there_ends_at_once(bench: Bench) -> None:
    bench.preparation.failure = None
    application = bench.build()
    application.chat.start()
    running = application.chat.ask(None, "One?")

    running.stop()

    assert running.result(PATIENCE_S).stopped
    application.chat.stop()


def test_a_worker_that_does_not_stop_is_killed_and_the_next_question_is_answered(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.chat_service.STOP_PATIENCE_S", 0.05)
    application = bench.start()
    bench.chat_engine.ignores_stop = True
    running = ask_and_hold(bench, application)

    running.stop()

    assert running.result(PATIENCE_S).stopped
    bench.chat_engine.released.set()
    assert application.chat.ask(None, "Two?").result(PATIENCE_S).answer == "echo: Two?"
    assert len(bench.chat_engine.lives) == 2


def test_a_worker_that_dies_while_answering_is_announced_and_the_next_question_is_answered(
    bench: Bench,
) -> None:
    application = bench.start()
    bench.chat_engine.is_deadly = True

    with pytest.raises(QuestionRefused, match="interrupted"):
        application.chat.ask(None, "One?").result(PATIENCE_S)

    bench.chat_engine.is_deadly = False
    assert application.chat.ask(None, "Two?").result(PATIENCE_S).answer == "echo: Two?"
    assert len(bench.notices) == 1
    assert "unexpectedly" in bench.notices[0].title


def test_a_worker_that_cannot_start_refuses_with_its_reason(bench: Bench) -> None:
    bench.chat_engine.first_event = WorkerFailed("The model file is damaged.", "Reinstall Loreleaf.")
    application = bench.start()

    with pytest.raises(QuestionRefused, match=r"The model file is damaged\. Reinstall"):
        application.chat.ask(None, "One?").result(PATIENCE_S)


def test_models_that_cannot_be_prepared_are_the_reason_of_the_refusal(bench: Bench) -> None:
    bench.preparation.failure = WorkerFailed("The disk is full.", "Free 300 MB.")
    application = bench.build()
    running = application.chat.ask(None, "One?")

    application.start()

    with pytest.raises(QuestionRefused, match="The disk is full"):
        running.result(PATIENCE_S)
    assert [notice.title for notice in bench.notices] == ["The disk is full."]


def test_a_preparing_process_that_dies_is_the_reason_of_the_refusal(bench: Bench) -> None:
    bench.preparation.is_deadly = True
    application = bench.start()

    with pytest.raises(QuestionRefused, match="could not be prepared"):
        application.chat.ask(None, "One?").result(PATIENCE_S)


def test_a_chat_deleted_while_it_is_answered_keeps_nothing(bench: Bench) -> None:
    application = bench.start()
    chat = application.chat.new_chat()
    running = ask_and_hold(bench, application, chat.id)

    application.chat.delete_chat(chat.id)

    answer = running.result(PATIENCE_S)
    assert (answer.stopped, answer.turn_id) == (True, None)
    assert application.chat.chats() == ()
    assert bench.notices == []


def test_an_answer_that_cannot_be_kept_is_shown_all_the_same(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    application = bench.start()
    chat = application.chat.new_chat()

    def refuse(*_args: object) -> None:
        raise StorageError("The disk is full.", "Free some space.")

    monkeypatch.setattr(application.profile.chats, "add_answer", refuse)

    answer = application.chat.ask(chat.id, "One?").result(PATIENCE_S)

    assert (answer.answer, answer.turn_id) == ("echo: One?", None)
    assert [notice.title for notice in bench.notices] == ["The disk is full."]


def test_a_catalog_that_cannot_be_read_refuses_the_question(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise StorageError("The library is in use.", "Try again.")

    application = bench.start()
    monkeypatch.setattr(Catalog, "search", refuse)

    with pytest.raises(QuestionRefused, match="The library is in use"):
        application.chat.ask(None, "One?").result(PATIENCE_S)


def test_adapters_are_prepared_as_soon_as_a_note_is_ready_or_switched_on(bench: Bench) -> None:
    application = bench.start()
    bench.wait(lambda: bench.chat_engine.lives)
    ids = learn(bench, application, a="Apples are red.")
    assert bench.chat_engine.has_warmed.wait(PATIENCE_S)
    bench.chat_engine.has_warmed.clear()

    application.library.set_enabled([ids["a"]], False)
    application.library.set_enabled([ids["a"]], True)

    assert bench.chat_engine.has_warmed.wait(PATIENCE_S)
    assert {part.key for warm in bench.chat_engine.warmed for part in warm.parts} == {
        f"{chunk.id}:{HYPERNETWORK_HASH[:12]}" for chunk in application.profile.catalog.chunks_of(ids["a"])
    }


def test_a_renamed_chat_keeps_its_title_when_it_goes_on(bench: Bench) -> None:
    application = bench.start()
    chat = application.chat.new_chat()
    application.chat.ask(chat.id, "One?").result(PATIENCE_S)

    application.chat.rename_chat(chat.id, "About numbers")
    application.chat.ask(chat.id, "Two?").result(PATIENCE_S)

    assert [kept.title for kept in application.chat.chats()] == ["About numbers"]


def test_a_command_that_asks_nothing_starts_no_chat_worker(bench: Bench) -> None:
    application = bench.start(headless=True)
    learn(bench, application, a="Apples are red.")
    assert bench.chat_engine.lives == []

    application.chat.ask(None, "apples").result(PATIENCE_S)

    assert len(bench.chat_engine.lives) == 1


def test_closing_keeps_the_part_of_the_answer_there_was_and_leaves_nobody_waiting(bench: Bench) -> None:
    application = bench.start()
    chat = application.chat.new_chat()
    running = ask_and_hold(bench, application, chat.id)

    application.close()

    answer = running.result(PATIENCE_S)
    assert (answer.answer, answer.stopped) == ("echo: ", True)
    again = bench.build()
    assert [turn.text for turn in again.chat.turns(chat.id)] == ["One?", "echo: "]


def test_a_question_asked_before_the_models_are_there_is_refused_at_the_end_not_forgotten(
    bench: Bench,
) -> None:
    application = bench.build()
    application.chat.start()
    told: list[AnswerEvent] = []
    running = application.chat.ask(None, "One?", on_event=told.append)

    application.chat.stop()

    with pytest.raises(QuestionRefused, match="closing"):
        running.result(PATIENCE_S)
    assert [type(event) for event in told] == [AnswerRefused]
