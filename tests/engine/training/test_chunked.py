import gzip
import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from engine.chat.prompt import build_prompt
from engine.documents.chunking import chunk_text
from engine.evaluation.question_sets import RawExample, parse
from engine.hypernetwork.gguf_tokenizer import load_tokenizer
from engine.prompt_frame import ABSENT
from engine.training.batches import Batch, make_batch, note_order
from engine.training.chunked import ChunkTokens, find_owners
from engine.training.corpus import Corpus, Limits, Tokens, tokenise
from engine.training.held_out import held_out_notes, measure_chunks
from engine.training.passages import MAX_PROMPT_TOKENS
from engine.training.prompts import CONTEXT_PREFIX, END_OF_TURN, PROMPT_PREFIX, PROMPT_SUFFIX, Templates
from engine.training.quotes import make_quotes_batch, n_quoted_contexts
from tests.engine.app_tokenizer import AppTokenizer
from tests.engine.tiny_llama import TinySize, write_gguf

LIMITS = Limits(max_chunk_tokens=64, max_question_tokens=160)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return load_tokenizer(write_gguf(tmp_path_factory.mktemp("tiny") / "tiny.gguf", TinySize(), {}))


@pytest.fixture(scope="module")
def templates(tokenizer: Tokenizer) -> Templates:
    return Templates.of(tokenizer)


@pytest.fixture(scope="module")
def joining_tokenizer(tokenizer: Tokenizer) -> Tokenizer:
    """As the real one it has tokens of several blanks; that of two line breaks stands before digits only."""
    data = json.loads(tokenizer.to_str())
    for left, right in (("Ċ", "Ċ"), ("ĉ", "Ġ"), ("Ġ", "Ġ")):  # also tab and space, and two spaces
        data["model"]["vocab"][left + right] = len(data["model"]["vocab"])
        data["model"]["merges"].append([left, right])
    joining = Tokenizer.from_str(json.dumps(data))
    assert joining.encode("a\n\n7").ids != tokenizer.encode("a\n\n7").ids
    return joining


@pytest.fixture(scope="module")
def qwens_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    """As the real one it joins punctuation with the line breaks behind it."""
    path = write_gguf(tmp_path_factory.mktemp("tiny") / "tiny.gguf", TinySize(), {}, tokenizer="qwen2")
    data = json.loads(load_tokenizer(path).to_str())
    for left, right in (("Ċ", "Ċ"), (".", "Ċ"), (".", "ĊĊ"), (")", "Ċ"), ("Ġ", "Ċ"), ("Ġ", "Ġ")):
        data["model"]["vocab"][left + right] = len(data["model"]["vocab"])
        data["model"]["merges"].append([left, right])
    joining = Tokenizer.from_str(json.dumps(data))
    assert joining.encode("a.\n\n7").tokens == ["a", ".ĊĊ", "7"]
    return joining


@pytest.fixture(params=["joining_tokenizer", "qwens_tokenizer"])
def any_tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    tokenizer: Tokenizer = request.getfixturevalue(request.param)
    return tokenizer


def long_note(seed: int, n_sentences: int) -> RawExample:
    """Each sentence has a number of its own, which a question asks for."""
    rng = random.Random(seed)
    colours = [f"{rng.choice(['red', 'blue'])}{i}" for i in range(n_sentences)]
    text = " ".join(f"Box {i} in the shed is {colour}." for i, colour in enumerate(colours))
    return RawExample(text, tuple((f"Which is box {i}?", (colour,)) for i, colour in enumerate(colours)))


def texts_of(corpus: Corpus, tokenizer: Tokenizer, templates: Templates) -> list[str]:
    contexts = [corpus.example(i, templates).context.tolist() for i in range(len(corpus))]
    return [tokenizer.decode(ids, skip_special_tokens=False) for ids in contexts]


# --- which chunk answers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chunks", "question", "answer", "owner"),
    [
        (["The key is here.", "The tin\nis Blue."], "which tin?", "tin is  BLUE", 1),
        (["Born in 1995.", "He has 5 cats."], "how many?", "5", 1),
        (["A model_registry.", "No animals."], "what?", "cat", None),
        (["Anna likes tea.", "Ben's dog likes tea.", "Tea."], "What does Ben's dog like?", "tea", 1),
        (["Tea for Anna.", "Tea for Ben."], "what is it?", "tea", 0),
        (["It costs 5 € now.", "Much."], "how much?", "5 €", 0),
        (["Anna came.", "Ben came."], "Did Anna come?", "yes", None),
        (["Anna came."], "Did Anna come?", "yes", 0),
        ([], "who?", "me", None),
    ],
)
def test_a_question_goes_to_the_chunk_that_has_its_answer(
    chunks: list[str], question: str, answer: str, owner: int | None
) -> None:
    assert find_owners(chunks, [(question, answer)]) == [owner]


def test_an_answer_in_other_words_is_found_by_the_span_that_it_restates() -> None:
    record = {
        "context": "The alarm: 4711. The shed: 0815.",
        "qas": [
            {"q": "shed code?", "a": ["The code of the shed is 0815."], "evidence": "0815"},
            {"q": "alarm code?", "a": ["4711"]},
        ],
    }
    (raw,) = parse([json.dumps(record)])
    assert find_owners(["The alarm: 4711.", "The shed: 0815."], raw.spans()) == [1, 0]


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(text="x a\t \nc", spans=[(2, 7)])  # one token is tab and space
@example(text="x.\ny a.\nb", spans=[(0, 2), (0, 7), (3, 7), (5, 9)])  # one token is full stop and line break
@given(
    text=st.text(st.sampled_from("   \n\n\t\t\r\u00a0\u2003\x1c7a.'sthein€日’é-"), max_size=60),
    spans=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8),
)
def test_chunks_cut_out_of_a_notes_tokens_have_the_tokens_they_have_alone(
    any_tokenizer: Tokenizer, text: str, spans: list[tuple[int, int]]
) -> None:
    counter = ChunkTokens(any_tokenizer, 0)
    starts = counter.token_offsets(text)
    assert starts == [start for start, _ in any_tokenizer.encode(text).offsets]
    for start, end in spans:
        part = text[start:end].strip()
        assert counter.ids(part) == any_tokenizer.encode(part).ids


# --- the corpus -----------------------------------------------------------------------------------------


@settings(max_examples=20)
@given(seed=st.integers(0, 1000), n_sentences=st.integers(1, 12))
def test_a_note_becomes_the_chunks_of_the_app_and_each_answer_stands_in_its_chunk(
    tokenizer: Tokenizer, templates: Templates, seed: int, n_sentences: int
) -> None:
    notes = [long_note(seed, n_sentences), long_note(seed + 1, 3)]
    corpus = tokenise(notes, tokenizer, LIMITS, set_index=2)
    counter = ChunkTokens(tokenizer, len(templates.context_prefix))
    expected = []
    for note in notes:
        spans = chunk_text(note.context, counter, LIMITS.max_chunk_tokens)
        expected.append([CONTEXT_PREFIX + note.context[span.start : span.end] for span in spans])
    found = texts_of(corpus, tokenizer, templates)
    assert found == [text for texts in expected for text in texts]
    ends = np.cumsum([len(texts) for texts in expected]).tolist()
    assert corpus.notes.tolist() == [[0, ends[0]], ends]
    assert corpus.sets.tolist() == [2] * ends[1]
    assert np.diff(corpus.contexts).max() + len(templates.context_prefix) <= LIMITS.max_chunk_tokens
    assert len(corpus.questions) == n_sentences + 3
    for i, text in enumerate(found):
        for _, target in corpus.example(i, templates).questions:
            assert tokenizer.decode(target.tolist()) in text


def test_chunks_without_questions_stay_and_notes_without_any_go(
    tokenizer: Tokenizer, templates: Templates
) -> None:
    note = long_note(0, 12)
    notes = [
        RawExample(note.context, (("Is it so?", ("yes",)),)),
        RawExample(note.context, note.questions[-1:]),
    ]
    corpus = tokenise(notes, tokenizer, LIMITS)
    n_questions = (corpus.rows[:, 1] - corpus.rows[:, 0]).tolist()
    assert len(corpus.notes) == 1
    assert len(n_questions) > 2
    assert n_questions == [0] * (len(n_questions) - 1) + [1]


def test_joined_saved_and_loaded_notes_keep_their_chunks(
    tmp_path: Path, tokenizer: Tokenizer, templates: Templates
) -> None:
    parts = [tokenise([long_note(seed, 6), long_note(seed, 9)], tokenizer, LIMITS) for seed in range(3)]
    Corpus.join(parts).save(tmp_path / "corpus.npz")
    corpus = Corpus.load(tmp_path / "corpus.npz")
    expected = [text for part in parts for text in texts_of(part, tokenizer, templates)]
    assert texts_of(corpus, tokenizer, templates) == expected
    firsts = [expected[first] for first, _ in corpus.notes]
    assert all("Box 0 " in text for text in firsts)
    assert corpus.notes[:, 1].tolist() == [*corpus.notes[1:, 0].tolist(), len(corpus)]


# --- the order ------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(
    sizes=st.lists(st.integers(1, 40), min_size=20, max_size=60),
    batch_size=st.integers(1, 48),
    seed=st.integers(0, 100),
)
def test_an_epochs_notes_keep_their_chunks_together(sizes: list[int], batch_size: int, seed: int) -> None:
    ends = np.cumsum(sizes)
    notes = np.stack([ends - sizes, ends], axis=1)
    weights = np.resize([1.0, 0.0, 1.0], len(sizes))
    batches = list(note_order(notes, weights, batch_size, np.random.default_rng(seed)))
    assert all(len(batch) == batch_size for batch in batches)
    stream = np.concatenate(batches) if batches else np.zeros(0, np.int64)
    note_of = np.repeat(np.arange(len(sizes)), sizes)
    borders = np.flatnonzero(np.diff(note_of[stream])) + 1
    runs = np.split(stream, borders) if len(stream) else []
    taken = [int(note_of[run[0]]) for run in runs]
    assert len(set(taken)) == len(taken)
    assert not set(taken) & set(range(1, len(sizes), 3))
    for run in runs[:-1]:  # the last may be cut by the end of the batches
        n = min(16, sizes[note_of[run[0]]])
        assert sorted(run) == list(range(min(run), min(run) + n))
    assert len(stream) > sum(min(16, s) for s, w in zip(sizes, weights, strict=True) if w) - batch_size


def test_notes_and_their_chunks_are_in_no_order_and_long_notes_are_seen_everywhere() -> None:
    notes = np.array([[0, 40], [40, 44], [44, 48]])
    seen = set()
    orders = set()
    for seed in range(60):
        (batch,) = note_order(notes, np.ones(3), 24, np.random.default_rng(seed))
        seen |= set(batch.tolist())
        orders.add(tuple(i for i in batch.tolist() if i >= 40))
    assert seen == set(range(48))
    assert len(orders) > 40


def test_a_weight_of_two_shows_a_note_twice() -> None:
    batches = list(note_order(np.array([[0, 2], [2, 3]]), np.array([2.0, 0.0]), 2, np.random.default_rng(0)))
    assert sorted(np.concatenate(batches).tolist()) == [0, 0, 1, 1]


def test_fractions_of_a_weight_are_drawn() -> None:
    firsts = np.arange(4000)
    notes = np.stack([firsts, firsts + 1], axis=1)
    batches = list(note_order(notes, np.full(4000, 0.25), 1, np.random.default_rng(0)))
    assert len(batches) == pytest.approx(1000, rel=0.1)


# --- batches --------------------------------------------------------------------------------------------


def chunk(name: str, n_questions: int) -> RawExample:
    return RawExample(
        f"{name} {'x' * 30}", tuple((f"{name}{i}?", (f"{name}{i}",)) for i in range(n_questions))
    )


def corpus_of(tokenizer: Tokenizer, n_questions: dict[str, int]) -> Corpus:
    """A context for each name; those with no question come last."""
    notes = [chunk(name, max(1, n)) for name, n in n_questions.items()]
    corpus = tokenise(notes, tokenizer, LIMITS)
    for i, n in enumerate(n_questions.values()):
        if n == 0:
            corpus.rows[i, 1] = corpus.rows[i, 0]
    return corpus


def rows_of(batch: Batch, tokenizer: Tokenizer) -> list[tuple[str, str]]:
    """Question and answer of each row; of an empty row empty texts."""
    rows = []
    for ids in batch.ids.tolist():
        text = tokenizer.decode([i for i in ids if i], skip_special_tokens=False)
        question, _, answer = text.removeprefix(PROMPT_PREFIX).partition(PROMPT_SUFFIX)
        rows.append((question, answer.removesuffix(END_OF_TURN)))
    return rows


def test_rows_without_a_question_of_their_own_take_one_of_their_set(
    tokenizer: Tokenizer, templates: Templates
) -> None:
    corpus = corpus_of(tokenizer, {"a": 5, "b": 0, "c": 1, "d": 0})
    examples = [corpus.example(i, templates) for i in range(4)]
    rng = np.random.default_rng(0)
    batch = make_batch(examples, templates, n_questions=2, dense=0.0, rng=rng, set_size=2)
    questions = [question for question, _ in rows_of(batch, tokenizer)]
    assert len({q for q in questions[:4] if q.startswith("a")}) == 4
    assert questions[4] == "c0?"
    assert all(q.startswith("Continue: ") for q in questions[5:])


def test_a_share_of_questions_is_asked_of_sets_that_cannot_answer(
    tokenizer: Tokenizer, templates: Templates
) -> None:
    names = "abcdefghijkl"
    corpus = corpus_of(tokenizer, dict.fromkeys(names, 2))
    examples = [corpus.example(i, templates) for i in range(len(names))]
    n_absent = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        batch = make_batch(
            examples, templates, n_questions=2, dense=0.0, rng=rng, set_size=3, absent_share=0.25
        )
        for row, (question, answer) in enumerate(rows_of(batch, tokenizer)):
            asked, source = row // 6, names.index(question[0]) // 3
            if answer == ABSENT:
                n_absent += 1
                assert abs(asked - source) >= 2
            else:
                assert asked == source
                assert answer == question.removesuffix("?")
    assert n_absent / (40 * 24) == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize("set_size", [2, 4])
def test_with_no_set_far_enough_every_question_can_be_answered(
    tokenizer: Tokenizer, templates: Templates, set_size: int
) -> None:
    corpus = corpus_of(tokenizer, dict.fromkeys("abcd", 2))
    examples = [corpus.example(i, templates) for i in range(4)]
    rng = np.random.default_rng(0)
    batch = make_batch(
        examples, templates, n_questions=2, dense=0.0, rng=rng, set_size=set_size, absent_share=1.0
    )
    assert all(answer == question[:-1] for question, answer in rows_of(batch, tokenizer))


# --- quotes ---------------------------------------------------------------------------------------------


def quotes_corpus(tokenizer: Tokenizer) -> Corpus:
    texts = [
        "7 tins of Kaese",
        "the key is in the tin",
        "1 shed",
        "(no tin)",
        "the end of 3.",
        "a key",
        "42",
        "b: c",
    ]
    questions = ["where?", "3 of what?"]
    notes = [
        RawExample(text, tuple((f"{question} {i}", (f"{i}",)) for question in questions))
        for i, text in enumerate(texts)
    ]
    return tokenise(notes * 2, tokenizer, LIMITS)


@pytest.mark.parametrize("set_size", [1, 2, 4])
def test_quotes_prompts_are_the_apps_token_for_token(any_tokenizer: Tokenizer, set_size: int) -> None:
    tokenizer, templates = any_tokenizer, Templates.of(any_tokenizer)
    corpus = quotes_corpus(tokenizer)
    examples = [corpus.example(i, templates) for i in range(len(corpus))]
    texts = [text.removeprefix(CONTEXT_PREFIX) for text in texts_of(corpus, tokenizer, templates)]
    places, counts, n_absent = set(), set(), 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        batch = make_quotes_batch(
            examples, templates, n_questions=2, set_size=set_size, with_absent=True, rng=rng
        )
        assert len(batch.contexts) == 8
        for row, (prompt, answer) in enumerate(rows_of(batch, tokenizer)):
            *passages, question = prompt.split("\n\n")
            tokens = build_prompt(AppTokenizer(tokenizer), question, passages, n_ctx=2000)
            assert batch.ids[row, : len(tokens)].tolist() == tokens
            assert 1 <= len(passages) <= 3
            assert len(set(passages)) == len(passages)
            source = int(question.rsplit(" ", 1)[1])
            if answer == ABSENT:
                n_absent += 1
                assert texts[source] not in passages
                asked = row // (2 * set_size)
                if abs(asked - source // set_size) < 2:  # chosen for its words
                    own = texts[asked * set_size : (asked + 1) * set_size]
                    assert asked != source // set_size
                    assert not any(str(source) in text for text in own)
                    assert set(passages[:set_size]) <= set(own)
            else:
                assert int(answer) == source == row // 2
                places.add(passages.index(texts[source]))
                counts.add(len(passages))
    assert places == {0, 1, 2}
    assert counts == {1, 2, 3}
    assert n_absent > 0


def test_passages_that_make_a_prompt_too_long_are_left_out_but_never_the_right_one(
    tokenizer: Tokenizer, templates: Templates
) -> None:
    notes = [RawExample(letter * 50, (("?" * 110 + letter, (letter,)),)) for letter in "bcdfghjkmpqvwxyz"]
    corpus = tokenise(notes, tokenizer, Limits(64, 240))
    examples = [corpus.example(i, templates) for i in range(16)]
    rng = np.random.default_rng(0)
    batch = make_quotes_batch(examples, templates, n_questions=1, set_size=2, with_absent=False, rng=rng)
    prompts = [prompt for prompt, _ in rows_of(batch, tokenizer)]
    assert len(prompts) == 8
    assert all(prompt == prompt[-1] * 50 + "\n\n" + "?" * 110 + prompt[-1] for prompt in prompts)
    assert batch.ids.shape[1] <= MAX_PROMPT_TOKENS + 16


def test_half_of_the_contexts_are_whole_sets() -> None:
    assert [n_quoted_contexts(192, k) for k in (1, 2, 4, 8, 16)] == [96] * 5
    assert n_quoted_contexts(12, 4) == 4
    assert n_quoted_contexts(4, 4) == 4


# --- the measurement ------------------------------------------------------------------------------------


class EchoStudent:
    """Answers with the text of all the chunks in the set."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self.sets: list[list[str]] = []

    def answer(
        self,
        contexts: list[Tokens],
        prompts: list[Tokens],
        *,
        set_size: int,
        end_of_turn: int,
        n_new: int,
    ) -> list[list[int]]:
        assert len(contexts) == set_size * len(prompts)
        texts = [self._tokenizer.decode(c.tolist()).removeprefix("user\n") for c in contexts]
        sets = [texts[i : i + set_size] for i in range(0, len(texts), set_size)]
        self.sets += sets
        return [self._tokenizer.encode(" ".join(part)).ids for part in sets]


def test_a_held_out_question_is_asked_of_its_chunk_its_notes_others_and_the_next_notes(
    tmp_path: Path, tokenizer: Tokenizer
) -> None:
    note = long_note(0, 9)
    spans = chunk_text(note.context, ChunkTokens(tokenizer, 6), LIMITS.max_chunk_tokens)
    chunks = [note.context[span.start : span.end] for span in spans]
    records = [
        {
            "context": note.context,
            "qas": [{"q": "Is it so?", "a": ["yes"]}, {"q": "which?", "a": ["box 8 in"]}],
        },
        {"context": note.context, "qas": [{"q": "Is it so?", "a": ["yes"]}]},
        {"context": "A short one.", "qas": [{"q": "which?", "a": ["none", "a short one"]}]},
    ]
    with gzip.open(tmp_path / "held.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)
    notes = held_out_notes(tmp_path, "held", 5, tokenizer, LIMITS)
    nearest_first = chunks[::-1]  # the last one answers
    student = EchoStudent(tokenizer)
    for size in (1, 2, len(chunks) + 1):
        scores = measure_chunks(student, notes, tokenizer, set_size=size)  # type: ignore[arg-type]  # a fake
        assert [score.recall for score in scores] == [1.0, 1.0]
    assert student.sets == [
        nearest_first[:1],
        ["A short one."],
        nearest_first[:2],
        ["A short one.", nearest_first[0]],
        [*nearest_first, "A short one."],
        ["A short one.", *nearest_first],
    ]
    with pytest.raises(ValueError, match="do not fill a set of 99"):
        measure_chunks(student, notes, tokenizer, set_size=99)  # type: ignore[arg-type]  # a fake
