"""Whole runs on a tiny base model."""

import dataclasses
import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.errors import EngineError
from engine.hypernetwork.internalizer import Internalizer
from engine.models.embedded import base_model_hash
from engine.training import export
from engine.training.__main__ import main
from engine.training.batches import pack
from engine.training.config import TrainConfig
from engine.training.distributed import DistributedContext
from engine.training.export import export_weights, load_parts, save_parts, ship
from engine.training.loop import LOG_FILE, STATE_FILE, Trainer
from engine.training.optimizers import learning_rate_share, make_optimizers
from engine.training.student import Student
from tests.engine.tiny_llama import TinySize, gguf_tensors, random_llama, write_gguf
from tests.engine.training.tiny_run import TINY_RUN, trainer_at
from tests.patience import PROCESS_PATIENCE_S

pytestmark = pytest.mark.usefixtures("one_thread")
SIZE = TinySize()
CONFIG = """
base_model = "base.gguf"
data = "data"
held_out_data = "data"
held_out = ["held"]
out = "run"
minutes = {minutes}
n_contexts = 4
n_questions = 2
set_sizes = [1, 2]
warmup_steps = 4
max_question_tokens = 160
"""
CONFIG += TINY_RUN


@pytest.fixture
def config_path(tmp_path: Path) -> Path:
    """A run's folder: base model, a set to train on, a held-out set, the config; 100 steps in all."""
    write_gguf(tmp_path / "base.gguf", SIZE, gguf_tensors(random_llama(SIZE), SIZE))
    (tmp_path / "data").mkdir()
    write_set(tmp_path / "data" / "notes.jsonl.gz", 40)
    write_set(tmp_path / "data" / "held.jsonl.gz", 9)
    path = tmp_path / "run.toml"
    path.write_text(CONFIG.format(minutes=100 / 60), encoding="utf-8")
    return path


def write_set(path: Path, count: int) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        for i in range(count):
            context = f"the tin number {i} is in the shed and the key is in the tin"
            file.write(json.dumps({"context": context, "qas": [{"q": "where?", "a": ["in the tin"]}]}) + "\n")


def log_of(trainer: Trainer) -> list[dict[str, float]]:
    lines = (trainer.config.out / LOG_FILE).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def state_of(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in trainer.hypernetwork.state_dict().items()}


# --- a run ----------------------------------------------------------------------------------------------


def test_the_loss_falls_and_the_base_stays_as_it_is(config_path: Path) -> None:
    trainer = trainer_at(config_path)
    base = trainer.student.base
    before = [base.embedding.clone(), *(layer.down.clone() for layer in base.layers)]
    trainer.run(30 / 60)
    assert trainer.progress.step == 30
    losses = {entry["step"]: entry["loss"] for entry in log_of(trainer)}
    assert losses[30] < losses[1] - 0.5
    after = [base.embedding, *(layer.down for layer in base.layers)]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_every_parameter_learns(config_path: Path) -> None:
    trainer = trainer_at(config_path)
    before = state_of(trainer)
    trainer.run(30 / 60)
    unmoved = [
        name for name, value in trainer.hypernetwork.state_dict().items() if torch.equal(value, before[name])
    ]
    assert unmoved == []


def test_a_batch_in_which_nothing_is_asked_teaches_nothing_and_spoils_nothing(config_path: Path) -> None:
    trainer = trainer_at(config_path)
    trainer.run(5 / 60)
    contexts = [trainer.corpus.example(i, trainer.templates).context for i in range(4)]
    assert trainer._step(pack(contexts, [None] * 8)) == 0
    assert all(value.isfinite().all() for value in trainer.hypernetwork.state_dict().values())


def test_a_stopped_run_goes_on_where_it_was(config_path: Path) -> None:
    first = trainer_at(config_path)
    first.run(30 / 60)
    assert first.progress.seconds == 10  # the first 20 steps of each run are those of torch.compile
    second = trainer_at(config_path)
    assert (second.progress.step, second.progress.seconds) == (30, 10)
    resumed, stopped = state_of(second), state_of(first)
    assert all(torch.equal(value, stopped[name]) for name, value in resumed.items())
    for ours, theirs in zip(second.optimizers, first.optimizers, strict=True):
        for p, q in zip(ours.param_groups[0]["params"], theirs.param_groups[0]["params"], strict=True):
            for name, value in theirs.state[q].items():
                assert torch.equal(torch.as_tensor(ours.state[p][name]), torch.as_tensor(value))
    second.run(50 / 60)
    assert (second.progress.step, second.progress.seconds) == (80, 40)
    entry = log_of(second)[-1]
    assert entry["step"] == 80
    assert entry["lr_share"] == round(learning_rate_share(80, 0.4, second.config), 3)
    # The schedule's end ends a run, however many minutes it was given.
    third = trainer_at(config_path)
    third.run(float("inf"))
    assert (third.progress.step, third.progress.seconds) == (160, 100)


def test_a_schedule_can_be_fitted_to_the_minutes_that_there_are(config_path: Path) -> None:
    trainer = trainer_at(config_path)
    trainer.run(50 / 60, fit=True)
    assert trainer.progress.step == 50
    assert trainer.config.minutes == pytest.approx(30 / 60)  # less the 20 steps of torch.compile
    assert trainer._share() == 1


def continued(config_path: Path, changes: str = "") -> Path:
    """The config of a run that starts from the weights another run shipped, and the trained run's state."""
    trainer = trainer_at(config_path)
    trainer.run(10 / 60)
    export_weights(trainer.hypernetwork, trainer.config, 10, 10.0)
    ship(trainer.config.out / "trained", config_path.parent / "weights", "another file", quantise=False)
    text = config_path.read_text(encoding="utf-8").replace('out = "run"', 'out = "next"')
    path = config_path.with_name("next.toml")
    path.write_text('start_from = "weights"\nchunk_tokens = 100\n' + text + changes, encoding="utf-8")
    return path


def test_a_run_starts_from_the_weights_it_is_given_until_it_has_a_state(config_path: Path) -> None:
    next_path = continued(config_path)
    trained, second = state_of(trainer_at(config_path)), trainer_at(next_path)
    for name, value in state_of(second).items():
        assert torch.allclose(value, trained[name], atol=1e-2, rtol=1e-3), name  # float16 in between
    assert second.progress.step == 0
    second.run(10 / 60)
    third = trainer_at(next_path)
    assert third.progress.step == 10
    assert all(torch.equal(value, state_of(third)[name]) for name, value in state_of(second).items())


def test_a_block_for_quotes_joins_weights_that_had_none(config_path: Path) -> None:
    next_path = continued(config_path, "quotes_rank = 3\n")
    trained, second = state_of(trainer_at(config_path)), state_of(trainer_at(next_path))
    assert set(second) - set(trained) == {"quotes_A.down_proj", "quotes_B.down_proj"}
    assert second["quotes_B.down_proj"].abs().max() == 0
    assert torch.allclose(second["head.weight"], trained["head.weight"], atol=1e-2, rtol=1e-3)


def test_weights_of_another_shape_are_refused_with_what_differs(config_path: Path) -> None:
    with pytest.raises(EngineError, match="cannot start from these weights") as caught:
        trainer_at(continued(config_path, "n_self_attn_per_block = 2\n"))
    assert "n_self_attn_per_block is 1 there and 2 here." in str(caught.value.detail)


def test_a_resumed_run_sees_its_contexts_in_another_order(config_path: Path) -> None:
    first = next(trainer_at(config_path)._batches())
    resumed = trainer_at(config_path)
    resumed.progress.step = 30
    assert not torch.equal(next(resumed._batches()).ids, first.ids)
    assert torch.equal(next(trainer_at(config_path)._batches()).ids, first.ids)


def test_a_cut_off_checkpoint_leaves_the_last_whole_one(
    config_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = trainer_at(config_path)
    trainer.run(20 / 60)

    def cut_off(_state: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(torch, "save", cut_off)
    with pytest.raises(OSError, match="disk full"):
        trainer.save_state()
    assert trainer_at(config_path).progress.step == 20


def test_a_corpus_made_for_other_sets_is_not_taken_up_again(config_path: Path) -> None:
    assert len(trainer_at(config_path).corpus) == 40
    write_set(config_path.parent / "data" / "more.jsonl.gz", 8)
    text = config_path.read_text(encoding="utf-8").replace("[sets]", "[sets]\nmore = 1.0")
    config_path.write_text(text, encoding="utf-8")
    trainer = trainer_at(config_path)
    assert np.bincount(trainer.corpus.sets).tolist() == [8, 40]


def test_a_new_set_leaves_the_other_sets_corpora(config_path: Path) -> None:
    trainer_at(config_path)
    (first,) = (config_path.parent / "run").glob("corpus-notes-*.npz")
    made_at = first.stat().st_mtime_ns
    write_set(config_path.parent / "data" / "more.jsonl.gz", 8)
    text = config_path.read_text(encoding="utf-8").replace("[sets]", "[sets]\nmore = 1.0")
    config_path.write_text(text, encoding="utf-8")
    trainer_at(config_path)
    assert first.stat().st_mtime_ns == made_at
    assert len(list((config_path.parent / "run").glob("corpus-*.npz"))) == 2


def test_a_set_whose_file_has_changed_is_tokenised_anew(config_path: Path) -> None:
    assert len(trainer_at(config_path).corpus) == 40
    write_set(config_path.parent / "data" / "notes.jsonl.gz", 30)
    assert len(trainer_at(config_path).corpus) == 30


def test_invented_notes_are_the_last_set_and_made_anew_for_another_seed(config_path: Path) -> None:
    text = "n_personal_notes = 3\nchunk_tokens = 4000\n" + config_path.read_text(encoding="utf-8")
    config_path.write_text(text.replace("question_tokens = 160", "question_tokens = 900"), encoding="utf-8")
    first = trainer_at(config_path).corpus
    assert np.bincount(first.sets).tolist() == [40, 3]
    config_path.write_text("seed = 7\n" + config_path.read_text(encoding="utf-8"), encoding="utf-8")
    assert not np.array_equal(trainer_at(config_path).corpus.tokens, first.tokens)


def test_too_few_contexts_are_told_instead_of_waited_for(config_path: Path) -> None:
    write_set(config_path.parent / "data" / "notes.jsonl.gz", 3)
    with pytest.raises(EngineError, match="3 contexts does not fill one batch of 4"):
        trainer_at(config_path).run(1.0)


def test_processes_share_each_batch_without_overlap(config_path: Path) -> None:
    whole, parts = trainer_at(config_path), []
    # torch.distributed is not needed to see what each process would take.
    whole.config = TrainConfig.load(config_path)
    for rank in range(2):
        trainer = trainer_at(config_path)
        trainer.place = DistributedContext(rank, 2, torch.device("cpu"))
        batch = next(trainer._batches())
        parts.append({tuple(row.tolist()) for row in batch.contexts})
    assert len(parts[0]) == len(parts[1]) == 4
    assert not parts[0] & parts[1]


def write_long_notes(path: Path, count: int) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        for i in range(count):
            context = " ".join(
                f"the tin {i} in the shed {j} is in the end a key{j}." for j in range(i % 5 + 1)
            )
            qas = [{"q": f"what is in shed {j}?", "a": [f"key{j}"]} for j in range(i % 5 + 1)]
            file.write(json.dumps({"context": context, "qas": qas}) + "\n")


WITH_ALL = "quotes_every = 3\nabsent_share = 0.2\n"


@pytest.fixture
def path_with_all(config_path: Path) -> Path:
    """A config that trains with all there is: notes of several chunks, large sets, absent answers, quotes."""
    write_long_notes(config_path.parent / "data" / "notes.jsonl.gz", 40)
    write_long_notes(config_path.parent / "data" / "held.jsonl.gz", 9)
    text = WITH_ALL + CONFIG.format(minutes=100 / 60).replace("n_contexts = 4", "n_contexts = 8")
    config_path.write_text(text.replace("set_sizes = [1, 2]", "set_sizes = [1, 4, 2, 8]"), encoding="utf-8")
    return config_path


def test_a_run_on_several_chunks_a_note_learns_and_every_third_step_has_quotes(path_with_all: Path) -> None:
    trainer = trainer_at(path_with_all)
    assert trainer.hypernetwork.config.max_chunk_tokens == 64
    batches = [batch for batch, _ in zip(trainer._batches(), range(12), strict=False)]
    assert [len(batch.contexts) for batch in batches] == [8, 8, 4, 8, 8, 4, 8, 8, 4, 8, 8, 8]
    trainer.run(30 / 60)
    losses = {entry["step"]: entry["loss"] for entry in log_of(trainer)}
    assert losses[30] < losses[1] - 0.5


def test_the_block_for_quotes_learns_from_quotes_alone(path_with_all: Path) -> None:
    text = path_with_all.read_text(encoding="utf-8")
    path_with_all.write_text(text + "quotes_rank = 3\n", encoding="utf-8")  # in the table [hypernetwork]
    trainer = trainer_at(path_with_all)
    moved: list[set[str]] = []
    for batch, _ in zip(trainer._batches(), range(3), strict=False):
        trainer.hypernetwork.zero_grad(set_to_none=True)
        trainer.student.loss(batch, 1).backward()
        grads = {name: p.grad for name, p in trainer.hypernetwork.named_parameters()}
        moved.append({name for name, grad in grads.items() if grad is not None and grad.abs().max() > 0})
    assert all("bias_B.down_proj" in names and "quotes_B.down_proj" not in names for names in moved[:2])
    assert "quotes_B.down_proj" in moved[2]
    assert "bias_B.down_proj" not in moved[2]


def test_processes_take_neighbours_so_that_sets_stay_whole(path_with_all: Path) -> None:
    parts = []
    for rank in range(2):
        trainer = trainer_at(path_with_all)
        trainer.place = DistributedContext(rank, 2, torch.device("cpu"))
        parts.append(next(trainer._batches()).contexts)
    trainer = trainer_at(path_with_all)
    trainer.config = dataclasses.replace(trainer.config, n_contexts=16)
    assert torch.equal(torch.cat(parts), next(trainer._batches()).contexts)


@pytest.mark.slow
def test_two_processes_stay_in_step(config_path: Path) -> None:
    repository = Path(__file__).parents[3]
    peer = Path(__file__).with_name("training_peer.py")
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    subprocess.run(
        [*launch, str(peer), str(config_path)],
        env={**os.environ, "PYTHONPATH": str(repository), "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"},
        check=True,
        timeout=PROCESS_PATIENCE_S,
    )
    reports = [(config_path.parent / "run" / f"rank-{rank}.txt").read_text() for rank in range(2)]
    assert reports[0] == reports[1]
    assert reports[0].startswith("20 0.0 ")
    state = torch.load(config_path.parent / "run" / STATE_FILE, weights_only=True)
    start = trainer_at(config_path).hypernetwork.state_dict()
    assert state["step"] == 20
    assert all(torch.equal(value, start[name]) for name, value in state["hypernetwork"].items())


# --- schedule and optimizers ----------------------------------------------------------------------------


def test_the_rate_warms_up_stays_and_falls(config_path: Path) -> None:
    config = TrainConfig.load(config_path)
    shares = [learning_rate_share(step, 0.0, config) for step in range(6)]
    assert shares == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    assert learning_rate_share(100, 0.39, config) == 1.0
    assert learning_rate_share(100, 0.7, config) == pytest.approx(0.02 + 0.98 * 0.5)
    assert learning_rate_share(100, 1.0, config) == pytest.approx(0.02)
    assert learning_rate_share(100, 1.7, config) == pytest.approx(0.02)


def test_muon_gets_the_matrices_and_adamw_everything_else(config_path: Path) -> None:
    trainer = trainer_at(config_path)
    names = {id(p): name for name, p in trainer.hypernetwork.named_parameters()}
    muon, adamw = make_optimizers(trainer.hypernetwork, trainer.config)
    by_muon = {names[id(p)] for group in muon.param_groups for p in group["params"]}
    by_adamw = {names[id(p)] for group in adamw.param_groups for p in group["params"]}
    assert by_muon | by_adamw == set(names.values())
    assert not by_muon & by_adamw
    assert {"head.weight", "aggregator.perceiver.modality_projection.weight"} <= by_muon
    vectors = {name for name in names.values() if "norm" in name or "latents_q" in name}
    assert (
        vectors | {f"{part}.down_proj" for part in ("scaler_A", "scaler_B", "bias_A", "bias_B")} == by_adamw
    )


def test_alpha_multiplies_what_an_adapter_does(config_path: Path) -> None:
    trainer = trainer_at(config_path)
    batch = next(trainer._batches())
    lora_A, lora_B = trainer.student.adapters(batch.contexts, batch.lengths, 2)
    text = config_path.read_text(encoding="utf-8") + "lora_alpha = 3.0\n"
    config_path.write_text(text, encoding="utf-8")
    other = trainer_at(config_path)
    thrice_A, thrice_B = other.student.adapters(batch.contexts, batch.lengths, 2)
    assert torch.equal(thrice_A, lora_A)
    torch.testing.assert_close(thrice_B, lora_B * 3)
    assert lora_A.shape == (2, SIZE.n_layers, 2 * 4 + 2, SIZE.d_ffn)


def test_a_weight_multiplies_what_its_contexts_adapter_does_and_no_other(config_path: Path) -> None:
    trainer = trainer_at(config_path)
    batch = next(trainer._batches())
    lora_A, lora_B = trainer.student.adapters(batch.contexts, batch.lengths, 2)
    weights = torch.tensor([1.0, 0.5, 1.0, 1.0])
    same_A, weighed_B = trainer.student.adapters(batch.contexts, batch.lengths, 2, weights=weights)
    assert torch.equal(same_A, lora_A)
    expected = lora_B.clone()
    expected[0, :, 4:8] *= 0.5  # rank 4: the second context of the first set
    torch.testing.assert_close(weighed_B, expected)


def test_answers_end_at_the_end_of_the_turn_and_do_not_depend_on_the_batch(config_path: Path) -> None:
    trainer = trainer_at(config_path)
    trainer.run(30 / 60)
    examples = [trainer.corpus.example(i, trainer.templates) for i in (0, 7, 12)]
    student: Student = trainer.student

    def answers(which: slice) -> list[list[int]]:
        part = examples[which]
        return student.answer(
            [e.context for e in part], [e.questions[0][0] for e in part], set_size=1, end_of_turn=2, n_new=6
        )

    together = answers(slice(0, 3))
    assert together == [answers(slice(i, i + 1))[0] for i in range(3)]
    assert all(len(answer) <= 6 and 2 not in answer for answer in together)


# --- export ---------------------------------------------------------------------------------------------


def test_exported_parts_hold_the_state_in_float16(config_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PART_BYTES", 2000)  # tensors are cut and files are many
    trainer = trainer_at(config_path)
    folder = trainer.config.out / "trained"
    folder.mkdir()
    (folder / "part-99.safetensors").write_bytes(b"left by an earlier run")
    export_weights(trainer.hypernetwork, trainer.config, 30, 90.0)
    assert len(list(folder.glob("part-*.safetensors"))) > 2
    loaded = load_parts(folder)
    state = trainer.hypernetwork.state_dict()
    assert set(loaded) == set(state)
    for name, value in state.items():
        assert np.array_equal(loaded[name], value.half().float().numpy()), name


def test_no_part_is_larger_than_what_machines_give_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "PART_BYTES", 1000)
    save_parts(tmp_path, {"a": np.ones((7, 30), np.float32), "b": np.ones((100, 9), np.float32)})
    headers = 400
    assert all(path.stat().st_size <= 1000 + headers for path in tmp_path.iterdir())


def test_parts_that_are_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no part-"):
        load_parts(tmp_path)


def test_what_is_shipped_internalizes(config_path: Path, tmp_path: Path) -> None:
    trainer = trainer_at(config_path)
    export_weights(trainer.hypernetwork, trainer.config, 30, 90.0)
    base = trainer.config.base_model
    ship(trainer.config.out / "trained", tmp_path / "shipped", base_model_hash(base))
    internalizer = Internalizer.load(base, tmp_path / "shipped", "cpu", 1)
    assert internalizer.config.training["steps"] == 30
    assert internalizer.config.training["minutes"] == 1.5
    assert internalizer.config.context_prefix == "<|im_start|>user\n"
    latents = np.frombuffer(internalizer.latents("the key is in the tin"), "<f2")
    # What the training computed, but for float16 parts and int8 matrices.
    ids = trainer.tokenizer.encode("<|im_start|>user\nthe key is in the tin").ids
    with torch.no_grad():
        features = trainer.student.base.layer_inputs(torch.tensor([ids]))
        expected = trainer.hypernetwork.unit_latents(features).flatten().numpy()
    assert np.abs(latents - expected).max() < 0.05


# --- the command ----------------------------------------------------------------------------------------


def test_the_command_trains_exports_and_measures(
    config_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config_path.write_text(CONFIG.format(minutes=0.002), encoding="utf-8")
    assert main([str(config_path), "--measure", "9"]) == 0
    results = json.loads(capsys.readouterr().out)
    assert set(results["held"]) == {"recall_1_chunks", "recall_4_chunks", "recall_8_chunks"}
    assert all(0 <= value <= 1 for value in results["held"].values())
    trained = config_path.parent / "run" / "trained"
    assert json.loads((trained / "config.json").read_text())["training"]["steps"] >= 20


def test_preparing_tokenises_the_sets_that_are_there(config_path: Path) -> None:
    text = config_path.read_text(encoding="utf-8").replace("[sets]", "[sets]\nstill_to_be_written = 1.0")
    config_path.write_text(text, encoding="utf-8")
    assert main([str(config_path), "--prepare"]) == 0
    assert [path.name[:13] for path in (config_path.parent / "run").iterdir()] == ["corpus-notes-"]
    assert main([str(config_path)]) == 1  # a run needs them all


def test_a_missing_base_model_is_one_sentence_and_exit_code_1(
    config_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (config_path.parent / "base.gguf").unlink()
    assert main([str(config_path)]) == 1
    assert "base.gguf" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["nowhere.toml"], ["CONFIG", "--measure", "2"], ["CONFIG", "--fit"]])
def test_a_wrong_command_line_is_exit_code_2(config_path: Path, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([str(config_path) if argument == "CONFIG" else argument for argument in arguments])
    assert caught.value.code == 2
