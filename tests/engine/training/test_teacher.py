"""What the mode without passages learns from the one with them."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

from engine.chat.prompt import build_prompt
from engine.evaluation.question_sets import RawExample
from engine.hypernetwork.gguf_tokenizer import load_tokenizer
from engine.prompt_frame import ABSENT
from engine.training.batches import Batch, Teacher, make_batch
from engine.training.corpus import Limits, tokenise
from engine.training.loop import Trainer
from engine.training.prompts import PROMPT_PREFIX, PROMPT_SUFFIX, Templates
from tests.engine.app_tokenizer import AppTokenizer
from tests.engine.tiny_llama import TinySize, gguf_tensors, random_llama, write_gguf
from tests.engine.training.tiny_run import TINY_RUN, trainer_at

pytestmark = pytest.mark.usefixtures("one_thread")
SIZE = TinySize()
CONFIG = """
base_model = "base.gguf"
data = "data"
out = "run"
minutes = 2.0
n_contexts = 8
n_questions = 2
set_sizes = [1, 4, 2, 8]
weighted_share = 0.5
warmup_steps = 4
max_question_tokens = 160
chunk_tokens = 64
absent_share = 0.2
quotes_every = 3
distil_every = 2
dense_start = 0.2
"""
CONFIG += TINY_RUN + "quotes_rank = 2\n"


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    write_gguf(tmp_path / "base.gguf", SIZE, gguf_tensors(random_llama(SIZE), SIZE))
    return load_tokenizer(tmp_path / "base.gguf")


def notes() -> list[RawExample]:
    """Notes 1, 5, 9 ... have six questions, and the others one, so that some rows have one of a neighbour."""
    texts = ["7 tins of tea", "the key is in the tin", "1 shed", "(no tin)", "the end", "a key", "42", "b: c"]
    return [
        RawExample(f"{text} {i}", tuple((f"{j} of what?", (f"{text} {i}",)) for j in range(n)))
        for i, (text, n) in enumerate(zip(texts * 2, [1, 6, 1, 1] * 4, strict=True))
    ]


@pytest.fixture
def trainer(tmp_path: Path, tokenizer: Tokenizer) -> Trainer:
    write_notes(tmp_path)
    (tmp_path / "run.toml").write_text(CONFIG, encoding="utf-8")
    return trainer_at(tmp_path / "run.toml")


def write_notes(folder: Path) -> None:
    (folder / "data").mkdir()
    with gzip.open(folder / "data" / "notes.jsonl.gz", "wt", encoding="utf-8") as file:
        for i in range(40):
            context = " ".join(f"the tin {i} in the shed {j} has a key{j}." for j in range(i % 5 + 1))
            qas = [{"q": f"what is in shed {j}?", "a": [f"key{j}"]} for j in range(i % 5 + 1)]
            file.write(json.dumps({"context": context, "qas": qas}) + "\n")


def batch_with_teacher(
    tokenizer: Tokenizer, set_size: int, seed: int, *, dense: float = 0.2, absent_share: float = 0.2
) -> Batch:
    templates = Templates.of(tokenizer)
    corpus = tokenise(notes(), tokenizer, Limits(64, 160))
    return make_batch(
        [corpus.example(i, templates) for i in range(16)],
        templates,
        n_questions=2,
        dense=dense,
        rng=np.random.default_rng(seed),
        set_size=set_size,
        absent_share=absent_share,
        has_teacher=True,
    )


def text_of(tokenizer: Tokenizer, ids: torch.Tensor) -> str:
    return str(tokenizer.decode([i for i in ids.tolist() if i], skip_special_tokens=False))


@pytest.mark.parametrize("set_size", [1, 4])
def test_a_teacher_reads_the_apps_prompt_with_the_passage_that_answers(
    tokenizer: Tokenizer, set_size: int
) -> None:
    answers = {note.context for note in notes()}  # each question's answer is its whole note
    n_taught = n_of_neighbours = n_refused = 0
    for seed in range(8):
        batch = batch_with_teacher(tokenizer, set_size, seed)
        assert batch.teacher is not None
        assert len(batch.teacher.ids) == len(batch.ids)
        for row, (ours, taught) in enumerate(zip(batch.ids, batch.teacher.ids, strict=True)):
            question, _, answer = (
                text_of(tokenizer, ours).removeprefix(PROMPT_PREFIX).partition(PROMPT_SUFFIX)
            )
            passage = answer.removesuffix("<|im_end|>")
            n_refused += passage == ABSENT
            if question.startswith("Continue: ") or passage == ABSENT or not question:
                assert not taught.any()
                continue
            assert passage in answers
            prompt = build_prompt(AppTokenizer(tokenizer), question, [passage], n_ctx=2000)
            assert taught[: len(prompt)].tolist() == prompt
            assert text_of(tokenizer, taught[len(prompt) :]) == answer
            n_taught += 1
            n_of_neighbours += int(passage.rsplit(" ", 1)[1]) != row // 2
    assert n_taught > 50
    assert n_refused > 0
    assert (n_of_neighbours > 0) == (set_size > 1)


@pytest.mark.parametrize("set_size", [1, 4])
def test_teacher_and_student_say_the_same_tokens_at_their_positions(
    tokenizer: Tokenizer, set_size: int
) -> None:
    batch = batch_with_teacher(tokenizer, set_size, 0)
    teacher = batch.teacher
    assert teacher is not None
    assert len(teacher.of) == len(teacher.positions) < len(batch.positions)
    assert torch.equal(teacher.ids.flatten()[teacher.positions + 1], batch.targets[teacher.of])
    student_rows = batch.positions[teacher.of] // batch.ids.shape[1]
    assert torch.equal(teacher.positions // teacher.ids.shape[1], student_rows)


def test_a_batch_without_a_real_question_has_no_teacher(tokenizer: Tokenizer) -> None:
    assert batch_with_teacher(tokenizer, 1, 0, dense=0.0, absent_share=1.0).teacher is None


def test_a_batch_moves_with_its_teacher(tokenizer: Tokenizer) -> None:
    moved = batch_with_teacher(tokenizer, 1, 0).to(torch.device("meta"))
    assert moved.teacher is not None
    assert {moved.teacher.ids.device.type, moved.teacher.of.device.type} == {"meta"}


# --- the loss -------------------------------------------------------------------------------------------


def gradients(trainer: Trainer, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    trainer.hypernetwork.zero_grad(set_to_none=True)
    loss.backward()
    return {name: p.grad.clone() for name, p in trainer.hypernetwork.named_parameters() if p.grad is not None}


def with_another_quotes_block(trainer: Trainer) -> None:
    """At its start the block does nothing."""
    with torch.no_grad():
        trainer.hypernetwork.quotes_B["down_proj"].normal_(std=0.3)


def test_a_teacher_that_says_what_the_student_says_adds_nothing(trainer: Trainer) -> None:
    batch = batch_with_teacher(trainer.tokenizer, 2, 0)
    of = torch.arange(3, 9)
    same = replace(batch, teacher=Teacher(batch.ids, batch.positions[of], of))
    block = trainer.hypernetwork
    with torch.no_grad():
        block.quotes_A["down_proj"].copy_(block.bias_A["down_proj"])
        block.quotes_B["down_proj"].copy_(block.bias_B["down_proj"].normal_(std=0.1))
    plain = trainer.student.loss(replace(batch, teacher=None), 2)
    torch.testing.assert_close(trainer.student.loss(same, 2, distil_weight=1.0), plain)
    assert trainer.student.loss(batch, 2, distil_weight=1.0) > plain + 1e-4
    assert torch.equal(trainer.student.loss(batch, 2, distil_weight=0.0), plain)


def test_the_loss_is_cross_entropy_and_weighted_divergence_from_a_teacher_that_stands_still(
    trainer: Trainer,
) -> None:
    with_another_quotes_block(trainer)
    student, batch = trainer.student, batch_with_teacher(trainer.tokenizer, 4, 1)
    batch = replace(batch, weights=torch.rand(16, generator=torch.Generator().manual_seed(0)))
    teacher = batch.teacher
    assert teacher is not None

    def log_probabilities(ids: torch.Tensor, positions: torch.Tensor, has_quotes: bool) -> torch.Tensor:
        lora = student.adapters(
            batch.contexts, batch.lengths, 4, weights=batch.weights, has_quotes=has_quotes
        )
        states = student.base.final_states(ids, lora).flatten(0, 1)[positions]
        return student.base.logits(states).log_softmax(-1)

    ours = log_probabilities(batch.ids, batch.positions, False)
    taught = log_probabilities(teacher.ids, teacher.positions, True).detach()
    divergence = (taught.exp() * (taught - ours[teacher.of])).sum(-1).mean()
    expected = F.nll_loss(ours, batch.targets) + 0.7 * divergence
    loss = student.loss(batch, 4, distil_weight=0.7)
    torch.testing.assert_close(loss, expected)
    ours_by_name, expected_by_name = gradients(trainer, loss), gradients(trainer, expected)
    assert set(ours_by_name) == set(expected_by_name)
    assert not any(name.startswith("quotes_") for name in ours_by_name)
    for name, gradient in ours_by_name.items():
        torch.testing.assert_close(gradient, expected_by_name[name], atol=1e-5, rtol=1e-3)


# --- a run ----------------------------------------------------------------------------------------------


def test_every_second_step_without_passages_has_a_teacher(trainer: Trainer) -> None:
    batches = [batch for batch, _ in zip(trainer._batches(), range(12), strict=False)]
    assert [batch.has_quotes for batch in batches] == [False, False, True] * 4
    assert [batch.teacher is not None for batch in batches] == [False, True, False] * 4
    resumed = trainer_at(trainer.config.out.parent / "run.toml")
    resumed.progress.step = 4
    assert next(resumed._batches()).teacher is not None


def test_a_run_with_a_teacher_learns_and_goes_on_where_it_was(trainer: Trainer) -> None:
    with_another_quotes_block(trainer)
    trainer.run(10 / 60)
    second = trainer_at(trainer.config.out.parent / "run.toml")
    assert second.progress.step == 10
    before = {name: value.clone() for name, value in second.hypernetwork.state_dict().items()}
    second.run(20 / 60)
    assert second.progress.step == 30
    after = second.hypernetwork.state_dict()
    assert [name for name, value in after.items() if torch.equal(value, before[name])] == []
    assert all(value.isfinite().all() for value in after.values())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_a_compiled_run_with_a_teacher_stays_finite(tmp_path: Path, tokenizer: Tokenizer) -> None:
    write_notes(tmp_path)
    text = CONFIG.replace("compile = false", "compile = true")
    (tmp_path / "run.toml").write_text(text, encoding="utf-8")
    trainer = trainer_at(tmp_path / "run.toml", "cuda")
    trainer.run(10 / 60)
    assert all(value.isfinite().all() for value in trainer.hypernetwork.state_dict().values())
