"""Which questions the training asks of notes that do not answer them."""

from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from engine.evaluation.question_sets import RawExample
from engine.hypernetwork.gguf_tokenizer import load_tokenizer
from engine.prompt_frame import ABSENT
from engine.training.batches import Batch, choose_pairs, make_batch
from engine.training.corpus import Example, Limits, tokenise
from engine.training.prompts import PROMPT_PREFIX, PROMPT_SUFFIX, Templates
from engine.training.quotes import make_quotes_batch
from engine.training.refusals import Refusals
from tests.engine.tiny_llama import TinySize, write_gguf

LIMITS = Limits(max_chunk_tokens=200, max_question_tokens=160)
ASKED = "The red bike of Anna has the lock code 4711."
OTHERS = {
    # has the asked set's words but one, which stands in its own note
    "The green bike of Anna has the lock code 0815.": ("What is the lock code of Anna green bike?", "0815"),
    # all of its words
    "Anna: lock code? bike! 99": ("The lock code of the bike of Anna?", "99"),
    # its answer stands in the asked set too, if in other letters
    "The blue lock code of Anna is BIKE.": ("What has the lock code of Anna blue?", "bike"),
    # and so does this one, inside of a longer word
    "The old lock code of Anna and her bike is 471.": ("What is the old lock code of Anna bike?", "471"),
    # the word that is missing is only the question's own
    "The bike of Anna has a lock code which says 31.": ("How secret the lock code of Anna bike?", "31"),
    # its answer is in other words than its note
    "The grey bike of Anna: lock code 1, 2.": ("What is the lock code of Anna grey bike?", "twelve"),
    # few words
    "Ben sold his bike in May.": ("When was it that Ben sold his bike?", "May"),
}
# Words that most questions of a batch have do not count: these make them rarer.
STRANGE = [(f"Trees grew {i} metres.", (f"Oak {i} grew how far?", f"{i}")) for i in range(20, 40)]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    path: Path = write_gguf(tmp_path_factory.mktemp("tiny") / "tiny.gguf", TinySize(), {})
    return load_tokenizer(path)


@pytest.fixture(scope="module")
def templates(tokenizer: Tokenizer) -> Templates:
    return Templates.of(tokenizer)


def examples_of(notes: list[tuple[str, tuple[str, str]]], tokenizer: Tokenizer) -> list[Example]:
    corpus = tokenise([RawExample(text, ((q, (a,)),)) for text, (q, a) in notes], tokenizer, LIMITS)
    assert len(corpus) == len(notes)
    return [corpus.example(i, Templates.of(tokenizer)) for i in range(len(corpus))]


def asked_of_the_first(batch: Batch, tokenizer: Tokenizer) -> tuple[str, str]:
    """What stands before the answer in the first row, and the answer."""
    text = tokenizer.decode([i for i in batch.ids[0].tolist() if i], skip_special_tokens=False)
    prompt, _, answer = text.removeprefix(PROMPT_PREFIX).partition(PROMPT_SUFFIX)
    return prompt, answer


ALIKE = "What is the lock code of Anna green bike?"


@pytest.mark.parametrize("place", range(len(OTHERS)))
def test_half_of_the_refusals_have_most_words_of_the_notes_but_not_all_and_no_answer_there(
    tokenizer: Tokenizer, templates: Templates, place: int
) -> None:
    others = list(OTHERS.items())
    others = others[place:] + others[:place]  # it may stand right beside or far away
    examples = examples_of([(ASKED, ("Anna code?", "4711")), *others, *STRANGE], tokenizer)
    asked = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        batch = make_batch(examples, templates, n_questions=1, dense=0.0, rng=rng, absent_share=1.0)
        question, answer = asked_of_the_first(batch, tokenizer)
        assert answer.startswith(ABSENT)
        asked.append(question)
    assert 0.35 < asked.count(ALIKE) / 60 < 0.75  # a stranger may be that one by chance
    assert len(set(asked)) > 3


def test_without_a_question_of_like_words_all_refusals_are_about_strangers(
    tokenizer: Tokenizer, templates: Templates
) -> None:
    without = [(text, pair) for text, pair in OTHERS.items() if pair[0] != ALIKE and "Ben" not in text]
    examples = examples_of([(ASKED, ("Anna code?", "4711")), *without, *STRANGE], tokenizer)
    rng = np.random.default_rng(0)
    chosen = choose_pairs(examples, 1, 1, rng)
    refusals = Refusals([example.context for example in examples], chosen, 1, templates)
    found = [refusals.draw(0, rng) for _ in range(40)]
    assert all(one is not None and not one.is_alike for one in found)


def test_words_count_wherever_in_the_set_they_stand_and_answers_too(
    tokenizer: Tokenizer, templates: Templates
) -> None:
    notes = [
        ("Anna has a bike.", ("Who has it?", "Anna")),
        ("The lock code is 4711.", ("Which lock?", "4711")),
        ("The green bike of Anna: lock code 0815.", ("What is the lock code of Anna green bike?", "0815")),
        ("The blue bike of Anna: lock code 4711.", ("What is the lock code of Anna blue bike?", "4711")),
    ]
    examples = examples_of([*notes, *STRANGE], tokenizer)
    n_alike = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        chosen = choose_pairs(examples, 1, 2, rng)
        refusals = Refusals([example.context for example in examples], chosen, 2, templates)
        found = refusals.draw(0, rng)
        assert found
        assert not found.is_alike or found.pair is examples[2].questions[0]
        n_alike += found.is_alike
    assert n_alike > 3


def test_behind_passages_the_notes_with_the_questions_words_come_first(
    tokenizer: Tokenizer, templates: Templates
) -> None:
    half = [(ASKED, ("Anna code?", "4711")), *list(OTHERS.items())[:4], *STRANGE]
    rest = [("Nothing of it.", ("Nothing?", "Nothing"))] * len(half)
    examples = examples_of([*half, *rest], tokenizer)
    prompts = []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        batch = make_quotes_batch(examples, templates, n_questions=1, set_size=1, with_absent=True, rng=rng)
        prompt, answer = asked_of_the_first(batch, tokenizer)
        if answer.startswith(ABSENT) and prompt.endswith(ALIKE):
            prompts.append(prompt)
    assert prompts
    assert all(prompt.startswith(ASKED + "\n\n") for prompt in prompts)
    assert all("0815" not in prompt for prompt in prompts)
