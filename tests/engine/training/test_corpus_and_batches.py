import gzip
import json
import lzma
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from engine.evaluation.question_sets import RawExample, parse, read_lines
from engine.hypernetwork.gguf_tokenizer import load_tokenizer
from engine.training.batches import Batch, draw_weights, make_batch, pack
from engine.training.corpus import Corpus, Limits, build_corpora, made_notes, tokenise
from engine.training.prompts import CONTEXT_PREFIX, END_OF_TURN, PROMPT_PREFIX, PROMPT_SUFFIX, Templates
from tests.engine.tiny_llama import TinySize, write_gguf

LIMITS = Limits(max_chunk_tokens=200, max_question_tokens=160)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return load_tokenizer(write_gguf(tmp_path_factory.mktemp("tiny") / "tiny.gguf", TinySize(), {}))


@pytest.fixture(scope="module")
def templates(tokenizer: Tokenizer) -> Templates:
    return Templates.of(tokenizer)


def text_of(tokenizer: Tokenizer, tokens: "np.ndarray[tuple[int], np.dtype[np.int32]]") -> str:
    return str(tokenizer.decode(tokens.tolist(), skip_special_tokens=False))


def notes(seed: int, count: int) -> list[RawExample]:
    rng = random.Random(seed)
    words = ["the", "tin", "in", "shed", "key", "a", "7", "Käse"]

    def words_of(n: int) -> str:
        return " ".join(rng.choice(words) for _ in range(n))

    return [
        RawExample(
            words_of(rng.randint(4, 30)),
            tuple((words_of(3) + "?", (words_of(2), "other")) for _ in range(rng.randint(1, 5))),
        )
        for _ in range(count)
    ]


# --- corpus ---------------------------------------------------------------------------------------------


def test_the_flat_corpus_gives_every_text_back(tokenizer: Tokenizer, templates: Templates) -> None:
    examples = notes(0, 20)
    corpus = tokenise(examples, tokenizer, LIMITS)
    assert len(corpus) == len(examples)
    for i, raw in enumerate(examples):
        example = corpus.example(i, templates)
        assert text_of(tokenizer, example.context) == CONTEXT_PREFIX + raw.context
        pairs = [(text_of(tokenizer, q), text_of(tokenizer, a)) for q, a in example.questions]
        assert pairs == [
            (PROMPT_PREFIX + q + PROMPT_SUFFIX, accepted[0] + END_OF_TURN) for q, accepted in raw.questions
        ]


def test_what_is_too_long_is_left_out_and_the_rest_keeps_its_questions(
    tokenizer: Tokenizer, templates: Templates
) -> None:
    examples = [
        RawExample("short", (("why " * 40, ("me",)), ("who?", ("you",)))),
        RawExample("no question fits", (("why " * 40, ("me",)),)),
        RawExample("last", (("where?", ("here",)),)),
    ]
    corpus = tokenise(examples, tokenizer, LIMITS, set_index=3)
    found = [corpus.example(i, templates) for i in range(len(corpus))]
    assert [text_of(tokenizer, e.context) for e in found] == [
        CONTEXT_PREFIX + "short",
        CONTEXT_PREFIX + "last",
    ]
    answers = [[text_of(tokenizer, a) for _, a in e.questions] for e in found]
    assert answers == [["you" + END_OF_TURN], ["here" + END_OF_TURN]]
    assert corpus.sets.tolist() == [3, 3]
    longest = max(len(q) + len(a) for e in found for q, a in e.questions)
    assert longest <= LIMITS.max_question_tokens


def test_joined_and_saved_corpora_hold_the_same_examples(
    tmp_path: Path, tokenizer: Tokenizer, templates: Templates
) -> None:
    parts = [tokenise(notes(seed, 4), tokenizer, LIMITS, set_index=seed) for seed in range(3)]
    parts.insert(1, tokenise([], tokenizer, LIMITS))
    joined = Corpus.join(parts)
    joined.save(tmp_path / "corpus.npz")
    loaded = Corpus.load(tmp_path / "corpus.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["corpus.npz"]
    assert loaded.sets.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    expected = [part.example(i, templates) for part in parts for i in range(len(part))]
    for i, example in enumerate(expected):
        found = loaded.example(i, templates)
        assert np.array_equal(found.context, example.context)
        for ours, theirs in zip(found.questions, example.questions, strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_corpora_are_built_from_sets_and_made_notes(
    tmp_path: Path, tokenizer: Tokenizer, templates: Templates
) -> None:
    record = {"context": "the key is in the tin", "qas": [{"q": "where?", "a": ["tin"]}]}
    with gzip.open(tmp_path / "one.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")
    with lzma.open(tmp_path / "two.jsonl.xz", "wt", encoding="utf-8") as file:
        file.write((json.dumps(record) + "\n") * 2)
    limits = Limits(2000, 400)
    one, two, made_corpus = build_corpora(
        tmp_path, ["one", "two"], n_personal_notes=1005, seed=1, tokenizer=tokenizer, limits=limits
    )
    assert [len(one), len(two)] == [1, 2]
    assert 900 < len(made_corpus) <= 1005  # some have no question that fits
    made = made_corpus.example(0, templates)
    assert text_of(tokenizer, made.context) == CONTEXT_PREFIX + made_notes(1_000_003, 1)[0].context.strip()


def test_made_notes_follow_from_their_seed() -> None:
    assert made_notes(7, 3) == made_notes(7, 3)
    assert made_notes(7, 3) != made_notes(8, 3)


# --- sets as files --------------------------------------------------------------------------------------


def test_a_set_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no set named nothing"):
        read_lines(tmp_path, "nothing")


def test_questions_without_a_short_answer_are_left_out() -> None:
    def line(context: str, *pairs: tuple[str, list[str]]) -> str:
        return json.dumps({"context": context, "qas": [{"q": q, "a": a} for q, a in pairs]})

    examples = parse(
        [
            line("kept", (" who? ", ["me", "myself"]), ("why?", ["x" * 160]), ("when?", []), ("  ", ["now"])),
            line("none left", ("how?", [""])),
        ]
    )
    assert examples == [RawExample("kept", (("who?", ("me", "myself")),))]


# --- batches --------------------------------------------------------------------------------------------


def target_tokens_at(batch: Batch) -> list[int]:
    """The token after each position: what the model should say there."""
    ids = batch.ids.flatten()
    return [int(ids[position + 1]) for position in batch.positions]


def batch_of(
    corpus: Corpus, templates: Templates, *, dense: float, seed: int = 0, n_questions: int = 3
) -> Batch:
    examples = [corpus.example(i, templates) for i in range(len(corpus))]
    rng = np.random.default_rng(seed)
    return make_batch(examples, templates, n_questions=n_questions, dense=dense, rng=rng)


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), dense=st.sampled_from([0.0, 0.5, 1.0]))
def test_every_target_token_stands_after_its_position(
    tokenizer: Tokenizer, templates: Templates, seed: int, dense: float
) -> None:
    corpus = tokenise(notes(seed, 5), tokenizer, LIMITS)
    batch = batch_of(corpus, templates, dense=dense, seed=seed)
    assert target_tokens_at(batch) == batch.targets.tolist()
    assert len(batch.ids) == 3 * len(corpus)
    # No position is in another sequence than its target, and each target ends its turn once.
    width = batch.ids.shape[1]
    assert (batch.positions // width == (batch.positions + 1) // width).all()
    n_sequences = len(set((batch.positions // width).tolist()))
    assert (batch.targets == templates.end_of_turn[0]).sum() == n_sequences


def test_contexts_are_padded_on_the_right_and_their_lengths_are_kept(
    tokenizer: Tokenizer, templates: Templates
) -> None:
    corpus = tokenise(notes(3, 4), tokenizer, LIMITS)
    batch = batch_of(corpus, templates, dense=0.0)
    assert batch.contexts.shape[1] % 64 == 0
    for i, length in enumerate(batch.lengths.tolist()):
        assert batch.contexts[i, :length].tolist() == corpus.example(i, templates).context.tolist()
        assert not batch.contexts[i, length:].any()


def test_a_contexts_questions_stand_in_its_own_rows_once_each(
    tokenizer: Tokenizer, templates: Templates
) -> None:
    raw = [RawExample(f"the tin {c}", tuple((f"{c}{i}?", (f"{c}{i}",)) for i in range(3))) for c in "xyz"]
    batch = batch_of(tokenise(raw, tokenizer, LIMITS), templates, dense=0.0)
    rows = [text_of(tokenizer, row[row != 0].numpy()) for row in batch.ids]
    for index, c in enumerate("xyz"):
        own = sorted(rows[3 * index : 3 * index + 3])
        assert own == [PROMPT_PREFIX + f"{c}{i}?" + PROMPT_SUFFIX + f"{c}{i}" + END_OF_TURN for i in range(3)]


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000))
def test_a_continuation_asks_for_what_follows_in_the_note(
    tokenizer: Tokenizer, templates: Templates, seed: int
) -> None:
    text = "".join(chr(65 + i % 26) + chr(97 + i // 26) for i in range(60))  # no piece comes twice
    corpus = tokenise([RawExample(text, (("q?", ("a",)),))], tokenizer, LIMITS)
    batch = batch_of(corpus, templates, dense=1.0, seed=seed, n_questions=1)
    row = text_of(tokenizer, batch.ids[0][batch.ids[0] != 0].numpy())
    assert row.startswith(PROMPT_PREFIX + "Continue: ")
    begin, target = row.removeprefix(PROMPT_PREFIX + "Continue: ").split(PROMPT_SUFFIX)
    assert begin + target.removesuffix(END_OF_TURN) in text
    assert 4 <= len(begin) <= 10
    assert 9 <= len(target.removesuffix(END_OF_TURN)) <= 24
    assert text_of(tokenizer, batch.targets.numpy()) == target


def test_missing_questions_become_continuations_and_short_notes_give_no_loss(
    tokenizer: Tokenizer, templates: Templates
) -> None:
    raw = [RawExample("x" * 60, (("q?", ("a",)),)), RawExample("short", (("q?", ("a",)),))]
    batch = batch_of(tokenise(raw, tokenizer, LIMITS), templates, dense=0.0)
    rows = [text_of(tokenizer, row[row != 0].numpy()) for row in batch.ids]
    assert [("Continue: " in row, bool(row)) for row in rows] == [
        (False, True),
        (True, True),
        (True, True),
        (False, True),
        (False, False),
        (False, False),
    ]


def test_a_batch_without_any_target_is_still_a_batch() -> None:
    batch = pack([np.array([1, 2], np.int32)], [None])
    assert batch.positions.shape == batch.targets.shape == (0,)
    assert batch.ids.dtype == torch.int64


def test_a_share_of_the_sets_gets_weights_of_which_the_greatest_is_1_and_the_others_equal_ones(
    tokenizer: Tokenizer, templates: Templates
) -> None:
    corpus = tokenise(notes(seed=3, count=64), tokenizer, Limits(400, 96))
    contexts = [corpus.example(i, templates).context for i in range(64)]
    batch = draw_weights(pack(contexts, [None] * 64), 4, 0.5, np.random.default_rng(0))
    by_set = batch.weights.view(16, 4)
    assert by_set.min() >= 0.25
    drawn = [weights for weights in by_set if weights.min() < weights.max()]
    assert 2 < len(drawn) < 14
    assert all(weights.max() == 1 for weights in drawn)
    even = draw_weights(batch, 4, 0.0, np.random.default_rng(0))
    assert torch.equal(even.weights, torch.full((64,), 0.5))  # 1 / sqrt(4)
