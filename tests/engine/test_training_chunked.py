import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from engine.documents.chunking import chunk_text
from engine.models.tokenizer import load_tokenizer
from engine.training.chunked import ChunkTokens, find_owners
from engine.training.corpus import Corpus, Limits, tokenise
from engine.training.prompts import CONTEXT_PREFIX, Templates
from engine.training.question_sets import RawExample
from tests.engine.tiny_llama import TinySize, write_gguf

LIMITS = Limits(max_chunk_tokens=64, max_question_tokens=160, cuts_notes=True)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return load_tokenizer(write_gguf(tmp_path_factory.mktemp("tiny") / "tiny.gguf", TinySize(), {}))


@pytest.fixture(scope="module")
def templates(tokenizer: Tokenizer) -> Templates:
    return Templates.of(tokenizer)


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
        (["A catalogue.", "No animals."], "what?", "cat", None),
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
    assert max(corpus.lengths) + len(templates.context_prefix) <= LIMITS.max_chunk_tokens
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


def test_notes_that_are_not_cut_are_one_context_each(tokenizer: Tokenizer) -> None:
    corpus = tokenise([long_note(0, 2), long_note(0, 20), long_note(1, 2)], tokenizer, Limits(300, 160))
    assert corpus.notes.tolist() == [[0, 1], [1, 2]]
