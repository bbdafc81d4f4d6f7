"""Questions to answers, with the real base model and a hypernetwork of random weights."""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.adapters import gguf_format
from engine.adapters.composition import Composition, compose
from engine.adapters.latent_head import LatentHead
from engine.adapters.lora_f16 import ImportedLora, encode
from engine.chat import adapter_sets
from engine.chat.adapter_sets import AdapterSets
from engine.chat.session import AnswerEvent, ChatSession
from engine.errors import ModelUnavailable
from engine.formats.hypernetwork_config import CONFIG_FILE, TENSORS_FILE, HypernetworkConfig
from engine.formats.lora import LoraFactors
from engine.formats.weights_file import load_tensors, save_tensors
from engine.messages import (
    AdapterPart,
    AnswerBegun,
    AnswerDone,
    AnswerFailed,
    AnswerMode,
    AnswerToken,
    Ask,
    Codec,
    EngineSettings,
)
from tests.engine.adapters.adapters_at_random import base_model_factors, random_part

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def settings(f16_base_model: Path, random_weights_dir: Path) -> EngineSettings:
    return EngineSettings(f16_base_model, random_weights_dir, n_threads=1, n_ctx=1024)


@pytest.fixture(scope="module")
def loaded_session(settings: EngineSettings) -> Iterator[ChatSession]:
    session = ChatSession.load(settings)
    yield session
    session.close()


@pytest.fixture
def session(loaded_session: ChatSession) -> ChatSession:
    return loaded_session


def sets_of(session: ChatSession) -> AdapterSets:
    assert session._adaptation is not None
    return session._adaptation.sets


def ask(
    session: ChatSession,
    parts: Sequence[AdapterPart] = (),
    mode: AnswerMode = AnswerMode.MEMORY,
    question: str = "Where does Mira keep the spare key of the boat house?",
    quotes: tuple[str, ...] = (),
    max_tokens: int = 6,
    turn_id: int = 1,
) -> list[AnswerEvent]:
    events: list[AnswerEvent] = []
    command = Ask(turn_id, question, mode, tuple(parts), quotes, max_tokens)
    session.answer(command, time.perf_counter(), events.append)
    return events


def done(events: list[AnswerEvent]) -> AnswerDone:
    assert isinstance(events[-1], AnswerDone), events[-1]
    return events[-1]


def failed(events: list[AnswerEvent]) -> AnswerFailed:
    assert isinstance(events[-1], AnswerFailed), events[-1]
    return events[-1]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts the adapter files that are built, by their number of parts."""
    counts: list[int] = []
    write = gguf_format.write_adapter

    def count_and_write(
        parts: Sequence[tuple[gguf_format.PackedFactors, float]], *, architecture: str
    ) -> NDArray[np.uint8]:
        counts.append(len(parts))
        return write(parts, architecture=architecture)

    monkeypatch.setattr(adapter_sets, "write_adapter", count_and_write)
    return counts


def test_an_answer_from_notes_does_not_begin_as_a_refusal_and_any_other_may(
    session: ChatSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the refusal began with whatever the answers begin with."""
    for parts, is_kept in (([random_part(1)], False), ([], True)):
        events = ask(session, parts, max_tokens=1)
        usual = done(events).text
        (token, *_) = session._runtime.tokenize(usual, parse_special=False)
        monkeypatch.setattr(session._adaptation, "absent_token", token)
        again = ask(session, parts, max_tokens=1)
        assert (done(again).text == usual) is is_kept
        assert isinstance(again[0], AnswerBegun)
        assert isinstance(events[0], AnswerBegun)
        assert again[0].absent_logprob == pytest.approx(events[0].first_logprob)  # it is still heard


def test_an_answer_streams_and_then_says_what_it_was_made_of(session: ChatSession) -> None:
    events = ask(session, [random_part(1), random_part(2)], max_tokens=12)

    end = done(events)
    begun, *tokens = events[:-1]
    assert isinstance(begun, AnswerBegun)
    assert max(begun.absent_logprob, begun.first_logprob) <= 0.0
    assert all(isinstance(event, AnswerToken) and event.text for event in tokens)
    assert "".join(event.text for event in tokens if isinstance(event, AnswerToken)) == end.text
    assert end.adapter_rank == 8 + 8 + 4  # two chunks and the bias block
    assert end.first_token_s > 0.0
    assert end.completion_tokens <= 12
    assert not end.stopped
    assert end.device == "CPU, 1 thread"


def test_the_prompt_is_the_same_length_with_any_number_of_notes(session: ChatSession) -> None:
    plain = done(ask(session, mode=AnswerMode.PLAIN, max_tokens=1)).prompt_tokens
    for n_parts in (0, 1, 5):
        parts = [random_part(seed) for seed in range(n_parts)]
        assert done(ask(session, parts, max_tokens=1)).prompt_tokens == plain


def test_a_note_that_is_switched_off_no_longer_speaks(session: ChatSession) -> None:
    plain = done(ask(session, mode=AnswerMode.PLAIN)).text
    with_note = done(ask(session, [random_part(1)])).text

    without = done(ask(session))

    assert with_note != plain, "a note without effect proves nothing"
    assert without.text == plain
    assert without.adapter_rank == 0


def test_plain_answers_use_neither_adapters_nor_quotes(session: ChatSession) -> None:
    expected = done(ask(session, mode=AnswerMode.PLAIN))
    found = done(ask(session, [random_part(1)], mode=AnswerMode.PLAIN, quotes=("The key is red.",)))
    assert (found.text, found.prompt_tokens, found.adapter_rank) == (expected.text, expected.prompt_tokens, 0)


def test_quotes_go_into_the_prompt_in_their_mode_only(session: ChatSession) -> None:
    quotes = ("The key of the boat house hangs behind the clock.",)
    parts = [random_part(1)]
    plain = done(ask(session, mode=AnswerMode.PLAIN, max_tokens=1)).prompt_tokens
    memory = done(ask(session, parts, mode=AnswerMode.MEMORY, quotes=quotes, max_tokens=1))
    quoted = done(ask(session, parts, mode=AnswerMode.QUOTES, quotes=quotes, max_tokens=1))
    assert memory.prompt_tokens == plain
    assert quoted.prompt_tokens > plain + 5
    assert quoted.adapter_rank == memory.adapter_rank


def test_behind_quotes_another_block_joins_the_set(
    session: ChatSession, f16_base_model: Path, random_weights_dir: Path, tmp_path: Path
) -> None:
    tensors = load_tensors(random_weights_dir / TENSORS_FILE)
    random = np.random.default_rng(3)
    for name, width in (("quotes_A", 1536), ("quotes_B", 576)):
        tensors[f"{name}.down_proj"] = random.standard_normal((30, 6, width)).astype(np.float32) * 0.01
    save_tensors(tmp_path / TENSORS_FILE, tensors)
    config = replace(HypernetworkConfig.load(random_weights_dir), quotes_rank=6)
    (tmp_path / CONFIG_FILE).write_text(config.to_json(), encoding="utf-8")
    other = ChatSession.load(EngineSettings(f16_base_model, tmp_path, n_threads=1))
    try:
        quotes, parts = ("The key hangs behind the clock.",), [random_part(1)]
        memory = done(ask(other, parts, mode=AnswerMode.MEMORY, quotes=quotes))
        quoted = done(ask(other, parts, mode=AnswerMode.QUOTES, quotes=quotes))
        again = done(ask(other, parts, mode=AnswerMode.MEMORY))
    finally:
        other.close()
    assert (memory.adapter_rank, quoted.adapter_rank) == (8 + 4, 8 + 6)
    assert memory.text == again.text == done(ask(session, parts)).text
    assert quoted.text != done(ask(session, parts, mode=AnswerMode.QUOTES, quotes=quotes)).text


def test_a_set_that_did_not_change_is_not_built_again_in_whatever_order_it_comes(
    session: ChatSession, written: list[int]
) -> None:
    parts = [random_part(seed, weight) for seed, weight in ((11, 1.0), (12, 0.5), (13, 0.25))]
    first = done(ask(session, parts)).text
    assert done(ask(session, parts[::-1])).text == first
    assert written == [4]


def test_going_back_to_a_recent_set_builds_nothing_and_answers_the_same(
    session: ChatSession, written: list[int]
) -> None:
    first = done(ask(session, [random_part(21)])).text
    done(ask(session, [random_part(22)]))
    done(ask(session))
    assert done(ask(session, [random_part(21)])).text == first
    assert len(written) == 2


def test_many_sets_in_turn_do_not_pile_up_in_llama_cpp(session: ChatSession, written: list[int]) -> None:
    first = done(ask(session, [random_part(31)])).text
    for seed in range(32, 39):
        done(ask(session, [random_part(seed)], max_tokens=1))
    assert done(ask(session, [random_part(31)])).text == first
    assert len(written) == 9


def test_another_weight_is_another_set(session: ChatSession, written: list[int]) -> None:
    done(ask(session, [random_part(41, 1.0)], max_tokens=1))
    done(ask(session, [random_part(41, 0.5)], max_tokens=1))
    assert len(written) == 2


def test_parts_of_weight_zero_take_no_part(session: ChatSession) -> None:
    assert done(ask(session, [random_part(1, 0.0)], max_tokens=1)).adapter_rank == 0


def test_warmed_parts_need_no_hypernetwork_at_the_question(
    session: ChatSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [random_part(seed) for seed in range(50, 53)]
    session.warm(parts)

    def refuse(_parts: Sequence[AdapterPart]) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(sets_of(session)._composition, "blocks_of", refuse)
    assert done(ask(session, parts, max_tokens=1)).adapter_rank == 3 * 8 + 4


def test_more_parts_than_the_cache_holds_still_make_a_set(
    session: ChatSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [random_part(seed) for seed in range(60, 64)]
    expected = done(ask(session, parts)).text
    sets_of(session).forget()
    monkeypatch.setattr(adapter_sets, "_PACKED_BYTES", 2_000_000)  # one chunk
    monkeypatch.setattr(adapter_sets, "BATCH", 2)
    session.warm([random_part(69)])
    assert done(ask(session, parts)).text == expected


def test_a_damaged_note_fails_its_question_and_no_other(session: ChatSession) -> None:
    good = random_part(1)
    nan = np.full(30 * 8 * 16, np.nan, dtype="<f2").tobytes()
    expected = done(ask(session, [good])).text
    for data in (b"short", nan):
        damaged = AdapterPart(f"damaged-{len(data)}", Codec.LATENTS_F16, data)
        failure = failed(ask(session, [good, damaged]))
        assert failure.title == "A note's memory is damaged."
        assert failure.detail
    assert done(ask(session, [good])).text == expected


def test_an_imported_adapter_takes_part_beside_learnt_notes_and_alone(session: ChatSession) -> None:
    attention = LoraFactors(
        {"q_proj": base_model_factors(6, rank=3, scale=0.2, d_in=576).modules["down_proj"]}
    )
    part = AdapterPart("imported", Codec.LORA_F16, encode(ImportedLora(attention)))
    plain, note = done(ask(session)), done(ask(session, [random_part(1)]))

    alone, both = done(ask(session, [part])), done(ask(session, [random_part(1), part]))

    assert (alone.adapter_rank, both.adapter_rank) == (
        3,
        8 + 4,
    )  # the largest rank of a layer; bias block once
    assert len({plain.text, note.text, alone.text, both.text}) == 4, (
        "an adapter without effect proves nothing"
    )


def test_an_imported_note_beside_a_learnt_one_is_as_if_both_were_learnt(
    session: ChatSession, settings: EngineSettings
) -> None:
    head = LatentHead.load(settings.weights_dir)
    composition = Composition(head, session.ready.hypernetwork_hash)
    exported = compose(composition, [random_part(2)])
    lora = ImportedLora(exported.factors, exported.bias_ranks, session.ready.hypernetwork_hash)
    part = AdapterPart("imported note", Codec.LORA_F16, encode(lora))
    expected = done(ask(session, [random_part(1), random_part(2)]))

    found = done(ask(session, [random_part(1), part]))

    assert (found.text, found.adapter_rank) == (expected.text, expected.adapter_rank)
    assert done(ask(session, [part])).text == done(ask(session, [random_part(2)])).text


def test_an_imported_adapter_whose_bytes_changed_is_refused(session: ChatSession) -> None:
    data = bytearray(encode(ImportedLora(base_model_factors(5, rank=2))))
    data[-1] ^= 1
    failure = failed(ask(session, [AdapterPart("damaged import", Codec.LORA_F16, bytes(data))]))
    assert failure.title == "An imported adapter is damaged."
    assert "import it again" in failure.detail


def test_warming_a_damaged_note_keeps_the_others(session: ChatSession, written: list[int]) -> None:
    session.warm([AdapterPart("broken", Codec.LATENTS_F16, b"short"), random_part(71)])
    assert "chunk-71" in sets_of(session)._packed
    assert "broken" not in sets_of(session)._packed


def test_a_note_that_makes_the_model_compute_infinity_is_reported_and_heals(
    session: ChatSession,
) -> None:
    plain = done(ask(session, mode=AnswerMode.PLAIN)).text
    failure = failed(ask(session, [random_part(1, 3e38)]))

    assert "the model computes numbers that are not finite" in failure.detail
    assert done(ask(session, mode=AnswerMode.PLAIN)).text == plain


def test_a_question_longer_than_the_window_fails_with_a_clear_sentence(session: ChatSession) -> None:
    failure = failed(ask(session, question="word " * 3000))
    assert failure.title == "The question is too long."
    assert "Shorten it." in failure.detail
    done(ask(session, max_tokens=1))


def test_a_turn_stopped_before_it_began_ends_at_once(session: ChatSession) -> None:
    session.stop(77)
    end = done(ask(session, turn_id=77, max_tokens=100))
    assert (end.stopped, end.completion_tokens, end.text) == (True, 0, "")
    assert not done(ask(session, turn_id=78)).stopped


def test_an_answer_is_stopped_from_another_thread(session: ChatSession) -> None:
    events: list[AnswerEvent] = []

    def on_event(event: AnswerEvent) -> None:
        events.append(event)
        if isinstance(event, AnswerToken) and len(events) == 2:
            stopper = threading.Thread(target=session.stop, args=(5,))
            stopper.start()
            stopper.join()

    question = Ask(5, "Count from one to one hundred in words.", AnswerMode.PLAIN, max_tokens=200)
    session.answer(question, time.perf_counter(), on_event)

    end = done(events)
    assert end.stopped
    assert end.completion_tokens <= 2
    assert end.text == "".join(event.text for event in events if isinstance(event, AnswerToken))


def test_stopping_another_turn_does_not_stop_this_one(session: ChatSession) -> None:
    session.stop(1001)
    assert not done(ask(session, turn_id=1002)).stopped


def test_the_session_says_which_models_it_has(session: ChatSession) -> None:
    assert session.ready.device == "CPU, 1 thread"
    assert session.ready.reason
    assert len(session.ready.base_hash) == len(session.ready.hypernetwork_hash) == 64


def test_a_missing_hypernetwork_is_told(settings: EngineSettings, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="Reinstall"):
        ChatSession.load(replace(settings, weights_dir=tmp_path))


@pytest.mark.parametrize("change", [{"base_model_hash": "0" * 64}, {"n_layers": 29}])
def test_a_hypernetwork_for_another_base_model_is_refused(
    settings: EngineSettings, tmp_path: Path, change: dict[str, object]
) -> None:
    config = HypernetworkConfig.load(settings.weights_dir)
    (tmp_path / TENSORS_FILE).write_bytes((settings.weights_dir / TENSORS_FILE).read_bytes())
    (tmp_path / CONFIG_FILE).write_text(replace(config, **change).to_json(), encoding="utf-8")  # type: ignore[arg-type]  # names are fields
    with pytest.raises(ModelUnavailable):
        ChatSession.load(replace(settings, weights_dir=tmp_path))


@pytest.mark.parametrize(
    ("mode", "text", "prefers"),
    [
        (AnswerMode.MEMORY, "Quillon Vesper keeps it.", True),
        (AnswerMode.MEMORY, "", False),
        (AnswerMode.QUOTES, "Quillon Vesper keeps it.", False),  # there they stand in the prompt
        (AnswerMode.PLAIN, "Quillon Vesper keeps it.", False),
    ],
)
def test_an_answer_from_memory_prefers_the_words_of_its_passages(
    session: ChatSession, mode: AnswerMode, text: str, prefers: bool
) -> None:
    usual = ask(session, [random_part(1)], mode)
    preferring = ask(session, [replace(random_part(1), text=text)], mode)
    assert (done(preferring).text != done(usual).text) is prefers
    assert done(preferring).prompt_tokens == done(usual).prompt_tokens
