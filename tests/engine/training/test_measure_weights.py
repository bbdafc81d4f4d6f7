"""Weights compared on held-out sets, on a tiny base."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer

from engine.chat.prompt import build_prompt
from engine.hypernetwork.gguf_tokenizer import load_tokenizer
from engine.hypernetwork.llama import FrozenLlama
from engine.training.corpus import Limits, Tokens
from engine.training.export import ship
from engine.training.held_out import held_out_notes, measure_base, measure_quotes
from engine.training.measure_weights import main
from engine.training.student import Student, embedded_config, new_hypernetwork
from tests.engine.app_tokenizer import AppTokenizer
from tests.engine.tiny_llama import TinySize, gguf_tensors, random_qwen2, write_gguf
from tests.engine.training.tiny_run import TINY_RUN, trainer_at

pytestmark = pytest.mark.usefixtures("one_thread")
SIZE = TinySize()
LIMITS = Limits(64, 160)
CONFIG = """
base_model = "base.gguf"
data = "data"
out = "run"
n_contexts = 4
set_sizes = [1]
chunk_tokens = 64
max_question_tokens = 160
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A base of Qwen's kind, a set, and weights made for it."""
    tensors = gguf_tensors(random_qwen2(SIZE, is_tied=False), SIZE)
    write_gguf(tmp_path / "base.gguf", SIZE, tensors, architecture="qwen2", tokenizer="qwen2")
    (tmp_path / "data").mkdir()
    write_set(tmp_path / "data", "notes", "where is tin {}?")
    (tmp_path / "run.toml").write_text(CONFIG + TINY_RUN + "quotes_rank = 2\n", encoding="utf-8")
    trainer = trainer_at(tmp_path / "run.toml")
    trainer.save_state()
    ship(tmp_path / "run" / "trained", tmp_path / "weights", "", quantise=True)
    return tmp_path


def note(i: int) -> str:
    return f"The tin {i} is in the shed. " * (1 + 3 * (i % 3))


def write_set(folder: Path, name: str, question: str) -> None:
    with gzip.open(folder / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
        for i in range(9):
            qas = [{"q": question.format(i), "a": ["in the shed"]}]
            file.write(json.dumps({"context": note(i), "qas": qas}) + "\n")


def test_each_way_of_asking_is_reported_for_weights_and_for_the_base_once(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(folder / "base.gguf"), str(folder / "weights"), str(folder / "weights")]
    arguments += ["--sets", str(folder / "data" / "notes"), "--contexts", "5", "--base-alone"]
    assert main([*arguments, "--out", str(folder / "results.jsonl")]) == 0
    rows = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
    assert [row["weights"] for row in rows] == ["weights", "base", "weights"]
    ways = ["memory_1", "memory_4", "memory_8", "quotes"]
    assert list(rows[0]) == ["weights", "set", "notes", *ways]
    assert list(rows[1]) == ["weights", "set", "notes", "base_passage", "base_note"]
    assert rows[0] == rows[2]
    assert rows[0]["notes"] == 5
    assert all(0 <= rows[0][way] <= 1 for way in ways)
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_a_set_without_a_question_to_ask_is_one_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_set(folder / "data", "long", "w" * 500 + "{}")
    arguments = [str(folder / "base.gguf"), str(folder / "weights"), "--sets", str(folder / "data" / "long")]
    assert main(arguments) == 1
    assert "No question of long can be asked." in capsys.readouterr().err


class Listener(Student):
    """Keeps the prompts, says nothing."""

    def __init__(self, base: FrozenLlama) -> None:
        shape = embedded_config(base.config, d_latent=8, d_head=4, quotes_rank=2)
        super().__init__(new_hypernetwork(shape), base, torch.device("cpu"))
        self.heard: list[tuple[bool, list[int]]] = []

    def answer_with(
        self,
        lora: tuple[torch.Tensor, torch.Tensor] | None,
        prompts: Sequence[Tokens],
        *,
        end_of_turn: int,
        n_new: int,
    ) -> list[list[int]]:
        self.heard += [(lora is not None, prompt.tolist()) for prompt in prompts]
        return [[] for _ in prompts]


def test_passages_and_notes_stand_before_the_question_as_in_the_app(folder: Path) -> None:
    path = folder / "base.gguf"
    tokenizer: Tokenizer = load_tokenizer(path)
    student = Listener(FrozenLlama.from_gguf(path, device=torch.device("cpu"), dtype=torch.float32))
    notes = held_out_notes(folder / "data", "notes", 3, tokenizer, LIMITS)
    measure_quotes(student, notes, tokenizer, with_adapters=True)
    measure_base(student, notes, tokenizer)
    app = AppTokenizer(tokenizer)
    prompts = [build_prompt(app, f"where is tin {i}?", [note(i)], n_ctx=4000) for i in range(3)]
    assert student.heard[3:] == [(False, prompt) for prompt in prompts]
    assert student.heard[0] == (True, prompts[0])  # a note of one chunk
    assert all(has_adapters for has_adapters, _ in student.heard[:3])
    assert len(student.heard[2][1]) < len(prompts[2])
