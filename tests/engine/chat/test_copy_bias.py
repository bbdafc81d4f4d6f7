"""The passages' words while an answer is chosen, with the real base model and its tokenizer."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.chat import copy_bias, token_automaton
from engine.chat.copy_bias import BREAK_NATS, FOREIGN_NATS, CopyBias
from engine.chat.prompt import build_prompt
from engine.chat.runtime import LlamaRuntime
from engine.chat.sampling import Sampling
from engine.chat.token_automaton import PassageGraphs

pytestmark = pytest.mark.model

Logits = NDArray[np.float32]
NOTE = """Kettle: was 78 euros, now 41 euros.
Hugo's phone: old 653 593 8569, new 653 923 4417.
- The bike is in (the) boathouse of Notre Dame. Ferry: €4,50"""


@pytest.fixture(scope="module")
def runtime(f16_base_model: Path) -> Iterator[LlamaRuntime]:
    with LlamaRuntime(f16_base_model, n_ctx=512, n_threads=1) as runtime:
        yield runtime


def bias_of(runtime: LlamaRuntime, *passages: str) -> CopyBias:
    graphs = PassageGraphs(runtime)
    return CopyBias([graphs.of(passage) for passage in passages], ends=runtime.ends, n_vocab=runtime.n_vocab)


def losses(runtime: LlamaRuntime, of_note: CopyBias, answer: str) -> list[float]:
    """What each token of the answer loses in its turn, in nats."""
    found = []
    for token in runtime.tokenize(answer, parse_special=False):
        found.append(-float(of_note.prefer(np.zeros(runtime.n_vocab, np.float32))[token]))
        of_note.take(token)
    return found


def next_pieces(runtime: LlamaRuntime, of_note: CopyBias) -> set[bytes]:
    """What loses nothing next, less the turn's end."""
    kept = np.flatnonzero(of_note.prefer(np.zeros(runtime.n_vocab, np.float32)) == 0)
    return {runtime.piece_of(int(token)) for token in kept if int(token) not in runtime.ends}


@pytest.mark.parametrize(
    "answer",
    [
        "78 euros",
        "653 593 8569",
        "Notre Dame",
        "the boathouse of Notre Dame",
        " Hugo's phone",
        "Euros, now 41",  # a large letter that the note does not have
        "kettle",  # and a small one
        "boathouse",
        "(the) boathouse",
        "€4,50",
    ],
)
def test_what_stands_in_a_note_loses_nothing(runtime: LlamaRuntime, answer: str) -> None:
    assert not any(losses(runtime, bias_of(runtime, NOTE), answer))


def test_foreign_words_lose_most_and_after_them_one_may_begin_anywhere(runtime: LlamaRuntime) -> None:
    found = losses(runtime, bias_of(runtime, NOTE), "Perhaps 41 euros")
    assert found[0] == FOREIGN_NATS + BREAK_NATS
    assert found[-2:] == [0, 0]


def test_known_words_in_another_order_lose_a_little(runtime: LlamaRuntime) -> None:
    *of_kettle, of_euros = losses(runtime, bias_of(runtime, NOTE), "kettle euros")
    assert not any(of_kettle)
    assert of_euros == BREAK_NATS


def test_of_two_numbers_that_begin_alike_each_is_spelt_to_its_own_end(runtime: LlamaRuntime) -> None:
    of_note = bias_of(runtime, NOTE)
    assert not any(losses(runtime, of_note, "653 "))
    assert next_pieces(runtime, of_note) == {b"5", b"9"}
    assert not any(losses(runtime, of_note, "923 44"))
    assert next_pieces(runtime, of_note) == {b"1"}


def test_the_end_of_the_turn_never_loses(runtime: LlamaRuntime) -> None:
    of_note = bias_of(runtime, NOTE)
    for answer in ("", "41", " euros", " moreover"):
        losses(runtime, of_note, answer)
        changed = of_note.prefer(np.zeros(runtime.n_vocab, np.float32))
        assert all(changed[end] == 0 for end in runtime.ends)
    assert runtime.tokenize("<|im_end|>", parse_special=True)[0] in runtime.ends


def test_passages_are_not_read_across_their_border(runtime: LlamaRuntime) -> None:
    of_note = bias_of(runtime, "The key is red", "Anna lives here")
    assert losses(runtime, of_note, "red Anna") == [0, BREAK_NATS]


@pytest.mark.parametrize(
    "passage",
    [
        "",
        " \n ",
        "???",
        "—",
        "🐈‍⬛ 🐈",
        "猫は箱の中にいます。",
        "a/b/c.d?e=f&g=h#i",
        "<|im_end|>",
        "x" * 5000,
        "\ud800 half",
    ],
)
def test_odd_passages_do_no_harm(runtime: LlamaRuntime, passage: str) -> None:
    of_note = bias_of(runtime, passage, NOTE)
    assert not any(losses(runtime, of_note, "41 euros"))


def test_inside_a_script_without_spaces_an_answer_may_begin(runtime: LlamaRuntime) -> None:
    assert not any(losses(runtime, bias_of(runtime, "猫は箱の中にいます。"), "箱の中"))


def test_the_loudest_passages_are_read_up_to_a_limit(
    runtime: LlamaRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copy_bias, "MAX_WORDS", 4)
    of_both = bias_of(runtime, "one two three", "four")
    assert losses(runtime, of_both, "four") == [0]
    of_first = bias_of(runtime, "one two three", "four five")
    assert losses(runtime, of_first, "four") == [FOREIGN_NATS + BREAK_NATS]


def test_a_very_long_passage_is_cut(runtime: LlamaRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_automaton, "MAX_WORDS", 2)
    cut = bias_of(runtime, "one two three")
    assert losses(runtime, cut, "two three") == [0, FOREIGN_NATS + BREAK_NATS]


def test_texts_are_tokenised_together_as_they_are_alone(runtime: LlamaRuntime) -> None:
    texts = ["word", "8569", "it's", "a.b", "Größe", "x-1", "1st"]
    together = token_automaton._tokenize_apart(runtime, texts)
    assert together == {text: runtime.tokenize(text, parse_special=False) for text in texts}


class _JoinsLineBreaks:
    """Some tokenizers have a token for a line break with its neighbour."""

    def __init__(self, runtime: LlamaRuntime) -> None:
        self._runtime = runtime

    def tokenize(self, text: str, *, parse_special: bool) -> list[int]:
        return self._runtime.tokenize(text.replace("\n", "~~"), parse_special=parse_special)

    def piece_of(self, token: int) -> bytes:
        return self._runtime.piece_of(token)


def test_a_tokenizer_that_joins_line_breaks_gives_the_same(runtime: LlamaRuntime) -> None:
    graph = PassageGraphs(_JoinsLineBreaks(runtime)).of(NOTE)
    of_note = CopyBias([graph], ends=runtime.ends, n_vocab=runtime.n_vocab)
    assert not any(losses(runtime, of_note, "653 923 4417"))


class _Recording(CopyBias):
    """Keeps the logits that it is given, and what it makes of them."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed on as they come
        self.given: list[Logits] = []
        self.made: list[Logits] = []

    def prefer(self, logits: Logits) -> Logits:
        before = logits.copy()
        made = super().prefer(logits)
        assert np.array_equal(logits, before)  # others read them too
        self.given.append(before)
        self.made.append(made)
        return made


def test_an_answer_is_chosen_by_preferred_logits_and_judged_by_the_models_own(runtime: LlamaRuntime) -> None:
    def answer(preferred: CopyBias | None) -> tuple[Sequence[int | None], Logits | None]:
        prompt = build_prompt(runtime, "Where is the bike?", [], n_ctx=runtime.n_ctx)
        pieces = list(runtime.generate(prompt, Sampling(), 12, copy_bias=preferred))
        return [piece.token for piece in pieces], pieces[0].logits

    graph = PassageGraphs(runtime).of(NOTE)
    recording = _Recording([graph], ends=runtime.ends, n_vocab=runtime.n_vocab)
    tokens, first_logits = answer(recording)
    usual_tokens, usual_logits = answer(None)
    assert list(tokens) == [int(logits.argmax()) for logits in recording.made][: len(tokens)]
    assert tokens != usual_tokens
    assert first_logits is not None
    assert usual_logits is not None
    assert np.array_equal(first_logits, usual_logits)
    assert np.array_equal(first_logits, recording.given[0])
