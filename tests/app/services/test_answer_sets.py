"""Imported adapters beside retrieved notes: in the set, among the sources, prepared ahead."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.bootstrap import Application
from app.services.chat_service import Ablation
from engine.messages import AnswerMode, Codec
from storage.records import DocumentRecord, NewImport
from tests.app.conftest import Bench
from tests.app.fakes import BASE_HASH
from tests.patience import PATIENCE_S

STYLE = NewImport(
    Path("/downloads/style/adapter_model.safetensors"),
    content_hash="a" * 64,
    size_bytes=2000,
    note="rank 4 on q_proj",
    base_hash=BASE_HASH,
    codec=Codec.LORA_F16.value,
    rank=4,
    data=b"factors of a style",
)
QUESTION = "When was the pear tree planted?"


def put(application: Application, new: NewImport = STYLE, title: str = "Style") -> DocumentRecord:
    return application.profile.imported.put(new, title)


@pytest.fixture
def application(bench: Bench) -> Application:
    """With two notes; the question is about the first."""
    application = bench.start()
    application.ingest.add_paths(
        [
            bench.write("garden.md", "The pear tree was planted in 2011."),
            bench.write("bread.md", "Bread needs salt."),
        ]
    )
    bench.wait_ready("garden.md", "bread.md")
    return application


def test_an_imported_adapter_takes_part_in_every_answer_while_it_is_on(
    bench: Bench, application: Application
) -> None:
    style = put(application)

    answer = application.chat.ask(None, QUESTION).result(PATIENCE_S)

    asked = bench.chat_engine.asked[-1]
    assert [(part.codec, part.weight) for part in asked.parts] == [
        (Codec.LATENTS_F16, 1.0),
        (Codec.LORA_F16, 1.0),
    ]
    assert asked.parts[-1].data == STYLE.data
    assert {(source.document, source.weight) for source in answer.sources} == {
        ("garden", 0.5),
        ("Style", 0.5),
    }
    of_style = answer.sources[-1]
    assert (of_style.document_id, of_style.passage, of_style.path) == (style.id, "", str(STYLE.path))

    application.library.set_enabled([style.id], False)
    application.chat.ask(None, QUESTION).result(PATIENCE_S)
    assert [part.codec for part in bench.chat_engine.asked[-1].parts] == [Codec.LATENTS_F16]


def test_it_takes_part_alone_when_no_note_does(bench: Bench, application: Application) -> None:
    put(application)
    application.library.set_enabled([document.id for document in application.library.documents()[:2]], False)

    answer = application.chat.ask(None, "Anything at all?").result(PATIENCE_S)

    assert [(source.document, source.weight) for source in answer.sources] == [("Style", 1.0)]


def test_it_is_no_quote_and_has_no_part_in_a_plain_answer(bench: Bench, application: Application) -> None:
    put(application)

    application.chat.ask(None, QUESTION, mode=AnswerMode.QUOTES).result(PATIENCE_S)
    assert bench.chat_engine.asked[-1].quotes == ("The pear tree was planted in 2011.",)
    assert len(bench.chat_engine.asked[-1].parts) == 2

    assert application.chat.ask(None, QUESTION, mode=AnswerMode.PLAIN).result(PATIENCE_S).sources == ()
    assert not bench.chat_engine.asked[-1].parts


def test_one_for_another_base_model_takes_no_part(bench: Bench, application: Application) -> None:
    put(application, replace(STYLE, base_hash="f" * 64))

    answer = application.chat.ask(None, QUESTION).result(PATIENCE_S)

    assert [source.document for source in answer.sources] == ["garden"]


def test_it_survives_a_restart_with_another_hypernetwork(bench: Bench, application: Application) -> None:
    put(application)
    application.close()
    bench.preparation.hypernetwork_hash = bench.ingest_engine.hypernetwork_hash = "9" * 64
    n_passes = len(bench.ingest_engine.learnt)

    upgraded = bench.start()
    bench.wait(lambda: len(bench.ingest_engine.learnt) == n_passes + 2, "both notes are learnt anew")
    upgraded.dispatcher.wait_until_idle(PATIENCE_S)
    answer = upgraded.chat.ask(None, QUESTION).result(PATIENCE_S)

    assert {source.document for source in answer.sources} == {"garden", "Style"}
    assert "Your notes are learnt anew." in [notice.title for notice in bench.notices]


def test_it_is_prepared_as_soon_as_it_is_switched_on(bench: Bench, application: Application) -> None:
    style = put(application)
    application.library.set_enabled([style.id], False)
    # The worker is ready, and has prepared what was on when it became so.
    assert bench.chat_engine.has_warmed.wait(PATIENCE_S)
    key = "sha256:" + STYLE.content_hash

    def is_prepared() -> bool:
        return any(part.key == key for warm in bench.chat_engine.warmed for part in warm.parts)

    assert not is_prepared()
    application.library.set_enabled([style.id], True)

    bench.wait(is_prepared)


def test_an_adapter_inside_a_watched_folder_does_not_go_with_its_file(
    bench: Bench, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Imported from a folder that is watched, and its file is not there any more.
    put(application, replace(STYLE, path=bench.notes / "style" / "adapter_model.safetensors"))
    monkeypatch.setattr("app.services.watch_service.CHECK_S", 0.05)
    application.watch.watch(bench.notes)
    bench.write("later.md", "The words of a later note.")
    bench.wait_ready("later.md")
    (bench.notes / "style").mkdir()
    (bench.notes / "style").rmdir()
    bench.write("last.md", "The words of the last note.")
    bench.wait_ready("last.md")

    assert "Style" in [document.title for document in application.library.documents()]


def test_without_the_router_every_passage_speaks_equally(bench: Bench, application: Application) -> None:
    application.chat.ask(None, QUESTION).result(PATIENCE_S)
    assert len(bench.chat_engine.asked[-1].parts) == 1
    application.settings.save(replace(application.settings.current, max_active_chunks=1))
    application.close()
    unrouted = bench.start(ablation=Ablation(is_ranked=False))
    unrouted.chat.ask(None, QUESTION).result(PATIENCE_S)
    weights = [part.weight for part in bench.chat_engine.asked[-1].parts]
    assert weights == [pytest.approx(2**-0.5)] * 2


def test_the_passages_words_go_along_unless_an_evaluation_leaves_them_out(
    bench: Bench, application: Application
) -> None:
    put(application)
    application.chat.ask(None, QUESTION).result(PATIENCE_S)
    assert [part.text for part in bench.chat_engine.asked[-1].parts] == [
        "The pear tree was planted in 2011.",
        "",
    ]
    application.close()
    without_copy_bias = bench.start(ablation=Ablation(has_copy_bias=False))
    without_copy_bias.chat.ask(None, QUESTION).result(PATIENCE_S)
    assert not any(part.text for part in bench.chat_engine.asked[-1].parts)
