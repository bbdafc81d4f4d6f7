from pathlib import Path

import pytest

from engine.training.config import TrainConfig

MINIMAL = 'base_model = "base.gguf"\ndata = "../data"\nout = "run"\n'
CONFIGS = Path(__file__).parents[3] / "engine" / "training" / "configs"
RUNS = [path for path in sorted(CONFIGS.glob("*.toml")) if not path.stem.endswith("_questions")]


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


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)
def test_a_run_that_is_kept_can_be_loaded_and_never_trains_on_what_it_holds_out(path: Path) -> None:
    config = TrainConfig.load(path)
    assert len(config.held_out) == 4
    assert config.held_out_data.resolve() != config.data.resolve()
    assert config.chunk_tokens == 64


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)
def test_the_weights_that_a_kept_run_goes_on_from_are_those_that_are_shipped(path: Path) -> None:
    start_from = TrainConfig.load(path).start_from
    is_first_stage = path.stem in ("embedded", "standard")
    assert (start_from is None) == is_first_stage
    assert start_from is None or (start_from / "config.json").is_file()


def test_each_run_has_a_folder_of_its_own() -> None:
    folders = {TrainConfig.load(path).out.resolve() for path in RUNS}
    assert len(folders) == len(RUNS) == 5


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
        ("chunk_tokens = 3", "chunk_tokens must be at least 16, got 3"),
        ("max_chunk_tokens = 64", "unknown fields in run.toml: max_chunk_tokens"),
        ("quotes_every = -1", "quotes_every must not be less than 0, got -1"),
        ("distil_every = 3", "distil_every needs a hypernetwork's quotes_rank, got 3"),
        ("distil_every = -1", "distil_every must not be less than 0, got -1"),
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
