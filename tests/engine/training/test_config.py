from pathlib import Path

import pytest

from engine.training.config import TrainConfig

MINIMAL = 'base_model = "base.gguf"\ndata = "../data"\nout = "run"\n'
SHIPPED = Path(__file__).parents[3] / "engine" / "training" / "configs" / "embedded.toml"


def load(tmp_path: Path, text: str) -> TrainConfig:
    path = tmp_path / "run.toml"
    path.write_text(text, encoding="utf-8")
    return TrainConfig.load(path)


def test_paths_are_relative_to_the_configs_folder(tmp_path: Path) -> None:
    config = load(tmp_path, MINIMAL + 'held_out_data = "/elsewhere"\n[sets]\nnotes = 0.5\n')
    assert config.base_model == tmp_path / "base.gguf"
    assert config.data == tmp_path / ".." / "data"
    assert config.held_out_data == Path("/elsewhere")
    assert config.sets == {"notes": 0.5}


def test_the_shipped_hypernetworks_config_can_be_loaded() -> None:
    config = TrainConfig.load(SHIPPED)
    assert config.set_sizes == (1, 1, 2, 1, 1, 4)
    assert config.n_personal_notes == 160000
    assert len(config.sets) == 20
    assert len(config.held_out) == 4
    assert not set(config.held_out) & set(config.sets)


def test_the_config_that_goes_on_from_the_shipped_weights_trains_on_the_same_data() -> None:
    first, second = TrainConfig.load(SHIPPED), TrainConfig.load(SHIPPED.with_name("embedded_sets.toml"))
    assert second.start_from is not None
    assert (second.start_from / "config.json").resolve() == SHIPPED.parents[2] / "weights" / "config.json"
    assert (second.sets, second.data, second.held_out) == (first.sets, first.data, first.held_out)
    assert second.n_personal_notes == first.n_personal_notes
    assert second.out != first.out


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("n_context = 4", "unknown fields in run.toml: n_context"),
        ("minutes = 0", "minutes must be greater than 0, got 0"),
        ("n_contexts = 6\nset_sizes = [1, 4]", r"n_contexts \(6\) must be a multiple of each set size"),
        ("set_sizes = []", "must be a multiple of each set size"),
        ("set_sizes = [0]", "must be a multiple of each set size"),
        ("dense_start = 1.5", r"dense_start must be in \[0, 1\], got 1.5"),
        ("final_lr_share = -0.1", r"final_lr_share must be in \[0, 1\]"),
        ("absent_share = 2", r"absent_share must be in \[0, 1\]"),
        ("chunk_tokens = 3", "chunk_tokens must be 0 or at least 16, got 3"),
        ("quotes_every = 5", "quotes_every must be 0, or greater with chunk_tokens, got 5"),
        ("distil_every = 3", "greater with chunk_tokens and a hypernetwork's quotes_rank, got 3"),
        ("chunk_tokens = 64\ndistil_every = 3", "a hypernetwork's quotes_rank, got 3"),
        ("distil_every = 3\n[hypernetwork]\nquotes_rank = 4", "greater with chunk_tokens .* got 3"),
        ("distil_every = -1", "distil_every must be 0, or greater .* got -1"),
        ("distil_weight = -0.5", "distil_weight must not be less than 0, got -0.5"),
        ("personal_notes_weight = -1.0", "less than 0 times"),
        ("n_questions =", "Invalid value"),
        ("[hypernetwork]\nd_latents = 4", "cannot choose these fields of its hypernetwork: d_latents"),
        ("[hypernetwork]\ncontext_prefix = ''", "cannot choose .* context_prefix"),
    ],
)
def test_a_wrong_value_is_named_before_a_gpu_is_rented(tmp_path: Path, lines: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        load(tmp_path, MINIMAL.replace("\n", "\nn_personal_notes = 5\nsets = {}\n", 1) + lines + "\n")


def test_missing_fields_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"run.toml is incomplete: .*'data'"):
        load(tmp_path, 'base_model = "base.gguf"\nout = "run"\n[sets]\n')


def test_a_run_needs_something_to_train_on(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing to train on"):
        load(tmp_path, MINIMAL + "[sets]\n")


def test_a_missing_file_is_an_oserror(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        TrainConfig.load(tmp_path / "nowhere.toml")
