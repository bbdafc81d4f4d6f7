"""Adapters as the real PEFT saves them; and what is refused, with the sentence that says why."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.adapters.external_adapter import fit
from engine.adapters.importing import import_adapter
from engine.adapters.messages import AdapterImported, ImportAdapter
from engine.adapters.peft_reading import read_peft
from engine.errors import InvalidAdapter
from engine.models.base_geometry import target_of
from tests.engine.tiny_adapters import SIZE, logits_attached, logits_of, tiny_base
from tests.engine.tiny_llama import TinySize, random_llama

# peft 0.21 asks transformers 5 for a name that version 6 will not have.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
ATTENTION = ["q_proj", "v_proj"]
Change = Callable[[Path], None]


@pytest.fixture(scope="module")
def base_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(tmp_path_factory.mktemp("tiny"), random_llama(SIZE))


def trained(folder: Path, **options: Any) -> torch.Tensor:  # noqa: ANN401  whatever LoraConfig takes
    """Save an adapter with PEFT, as a training leaves it; returns the logits of the model that has it."""
    import peft

    torch.manual_seed(7)
    model = peft.get_peft_model(random_llama(SIZE), peft.LoraConfig(lora_dropout=0.0, **options))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.normal_(std=0.15)
    logits = logits_of(model.train(mode=False))
    model.save_pretrained(str(folder))
    return logits


@pytest.mark.parametrize(
    "options",
    [
        {"r": 4, "lora_alpha": 12, "target_modules": ATTENTION},
        {"r": 4, "lora_alpha": 12, "target_modules": ALL},
        {"r": 8, "lora_alpha": 6, "target_modules": ALL, "use_rslora": True},
        {
            "r": 4,
            "lora_alpha": 8,
            "target_modules": ALL,
            "rank_pattern": {"down_proj": 6, r"layers\.1\.self_attn\.q_proj": 2},
            "alpha_pattern": {"layers.0.self_attn.q_proj": 20, "mlp.down_proj": 3, "v_proj": 16},
        },
        {"r": 4, "lora_alpha": 12, "target_modules": ALL, "layers_to_transform": [1]},
        {"r": 4, "lora_alpha": 12, "target_modules": r".*\.0\.mlp\.up_proj|.*\.1\.self_attn\.k_proj"},
    ],
    ids=["attention", "all layers", "rslora", "patterns", "one layer", "two single layers"],
)
def test_an_adapter_that_peft_saved_computes_here_what_it_computes_there(
    options: dict[str, Any], base_file: Path, tmp_path: Path
) -> None:
    expected = trained(tmp_path, **options)

    factors = fit(read_peft(tmp_path), target_of(base_file))

    model = random_llama(SIZE)
    assert (expected - logits_of(model)).abs().max() > 0.5, "too weak an adapter proves nothing"
    torch.testing.assert_close(logits_attached(model, factors), expected, atol=1e-4, rtol=0)


def test_factors_in_bfloat16_are_read(base_file: Path, tmp_path: Path) -> None:
    trained(tmp_path, r=4, lora_alpha=8, target_modules=ATTENTION)
    file = tmp_path / "adapter_model.safetensors"
    tensors = {name: values.bfloat16() for name, values in load_file(file).items()}
    save_file(tensors, file, {"format": "pt"})

    A, _B = read_peft(tmp_path).layers["q_proj", 1]

    expected = tensors["base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight"].float()
    torch.testing.assert_close(torch.from_numpy(A), expected, atol=0, rtol=0)


def test_what_was_imported_says_what_it_is(base_file: Path, tmp_path: Path) -> None:
    trained(tmp_path, r=4, lora_alpha=8, target_modules=ATTENTION, rank_pattern={"v_proj": 6})

    found = import_adapter(ImportAdapter(tmp_path, base_file, "b" * 64))

    assert found.file == tmp_path / "adapter_model.safetensors"
    assert (found.rank, found.title, found.remark) == (6, "", "rank 6 on q_proj, v_proj")
    n_bytes = sum((tmp_path / name).stat().st_size for name in ("adapter_config.json", found.file.name))
    assert found.size_bytes == n_bytes


# --- what is refused ----------------------------------------------------------------------------------------


def option(**changes: object) -> Change:
    """Another value in the config."""

    def change(folder: Path) -> None:
        file = folder / "adapter_config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | changes))

    return change


def tensors(edit: Callable[[dict[str, torch.Tensor]], object]) -> Change:
    """Other tensors."""

    def change(folder: Path) -> None:
        file = folder / "adapter_model.safetensors"
        found = load_file(file)
        edit(found)
        save_file(found, file, {"format": "pt"})

    return change


def written(name: str, text: str) -> Change:
    """A file with other bytes."""

    def change(folder: Path) -> None:
        (folder / name).write_text(text)

    return change


Q_A = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
Q_B = Q_A.replace("lora_A", "lora_B")

REFUSED: dict[str, tuple[Change, str]] = {
    "DoRA": (option(use_dora=True), r"DoRA.*\(use_dora: true\)"),
    "layers saved whole": (option(modules_to_save=["lm_head"]), r"saved whole.*\[\"lm_head\"\]"),
    "biases": (option(bias="all"), r"biases.*\(bias: \"all\"\)"),
    "biases of B": (option(lora_bias=True), "biases"),
    "transposed layers": (option(fan_in_fan_out=True), "transposed layers"),
    "trained tokens": (option(trainable_token_indices=[1]), "trained tokens"),
    "replicated layers": (option(layer_replication=[[0, 1]]), "replicated"),
    "PiSSA": (option(init_lora_weights="pissa_niter_4"), "changes the base model's weights.*pissa_niter_4"),
    "an option of tomorrow": (option(use_magic=7), r"does not know.*\(use_magic: 7\)"),
    "another method": (option(peft_type="IA3"), '"IA3"; only LORA'),
    "no rank": (option(r=None), "r is null"),
    "a rank of another kind": (option(r=True), "r is true"),
    "no alpha": (option(lora_alpha=0), "lora_alpha is 0"),
    "alpha that is not finite": (
        written("adapter_config.json", '{"peft_type": "LORA", "r": 4, "lora_alpha": NaN}'),
        "NaN is not a number",
    ),
    "a pattern that is none": (option(rank_pattern={"(": 4}), r"the pattern '\('"),
    "patterns in a list": (option(alpha_pattern=[4]), "alpha_pattern"),
    "another rank than it says": (option(r=5), "the rank is 5"),
    "a config that is no JSON": (
        written("adapter_config.json", "{"),
        "adapter_config.json cannot be read: Expecting property name",
    ),
    "a config without settings": (written("adapter_config.json", "[1]"), "no settings"),
    "no config": (lambda folder: (folder / "adapter_config.json").unlink(), "has no adapter_config.json"),
    "no tensors": (lambda folder: (folder / "adapter_model.safetensors").unlink(), "has no adapter_model"),
    "a file that is no safetensors": (written("adapter_model.safetensors", "weights"), "adapter_model"),
    "no factors": (tensors(lambda found: found.clear()), "holds no factors"),
    "a factor without its other": (tensors(lambda found: found.pop(Q_A)), "only one factor of q_proj"),
    "a factor under two names": (
        tensors(lambda found: found.update({Q_A.removeprefix("base_model.model."): found[Q_A].clone()})),
        "under another name",
    ),
    "a magnitude": (
        tensors(
            lambda found: found.update(
                {Q_A.replace("lora_A", "lora_magnitude_vector"): found[Q_A][0].clone()}
            )
        ),
        "only LoRA factors",
    ),
    "the output layer": (
        tensors(lambda found: found.update({"base_model.model.lm_head.lora_A.weight": found[Q_A].clone()})),
        r"lm_head.*only LoRA factors of down_proj",
    ),
    "a layer of another architecture": (
        tensors(
            lambda found: found.update(
                {"base_model.model.transformer.h.0.attn.c_attn.lora_A.weight": found[Q_A].clone()}
            )
        ),
        "c_attn",
    ),
    "a factor with one axis": (
        tensors(lambda found: found.update({Q_A: found[Q_A][0].clone()})),
        "the shape",
    ),
    "whole numbers": (tensors(lambda found: found.update({Q_A: found[Q_A].int()})), "I32"),
    "a value that is not finite": (
        tensors(lambda found: found[Q_B][0].fill_(float("inf"))),
        "q_proj in layer 0 hold a value that is not a finite number",
    ),
}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    trained(folder, r=4, lora_alpha=8, target_modules=ATTENTION)
    return folder


@pytest.fixture
def folder(good: Path, tmp_path: Path) -> Path:
    """A good adapter, to be damaged."""
    copy = tmp_path / "adapter"
    copy.mkdir()
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (copy / name).write_bytes((good / name).read_bytes())
    return copy


def importing(folder: Path, base_file: Path) -> AdapterImported:
    return import_adapter(ImportAdapter(folder, base_file, "b" * 64))


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_computed_is_refused_by_its_name(name: str, folder: Path, base_file: Path) -> None:
    change, sentence = REFUSED[name]
    importing(folder, base_file)
    change(folder)

    with pytest.raises(InvalidAdapter, match=sentence) as refusal:
        importing(folder, base_file)

    assert refusal.value.title == "This adapter cannot be imported."


def test_a_pickle_is_not_opened(folder: Path, base_file: Path) -> None:
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")
    with pytest.raises(InvalidAdapter, match=r"pickle.*safe_serialization=True"):
        importing(folder, base_file)


def test_a_file_of_gigabytes_is_refused_before_it_is_read(folder: Path, base_file: Path) -> None:
    with (folder / "adapter_model.safetensors").open("rb+") as file:
        file.truncate(5 << 30)  # a hole, not bytes
    with pytest.raises(InvalidAdapter, match=r"has 5,369 MB; 1,091 MB are possible"):
        importing(folder, base_file)


@pytest.mark.parametrize(
    ("size", "sentence"),
    [
        (
            TinySize(n_layers=1, d_model=64, d_ffn=96, n_heads=4, n_kv_heads=2),
            "has 1 layers: it was made for another",
        ),
        (
            TinySize(n_layers=2, d_model=32, d_ffn=96, n_heads=4, n_kv_heads=2),
            "takes 64 numbers and gives 64, that of the base model 32 and 32",
        ),
        (
            TinySize(n_layers=2, d_model=64, d_ffn=96, n_heads=4, n_kv_heads=4),
            "v_proj takes 64 numbers and gives 32",
        ),
    ],
)
def test_an_adapter_of_another_base_model_is_refused(
    size: TinySize, sentence: str, folder: Path, tmp_path: Path
) -> None:
    other = tiny_base(tmp_path, random_llama(size), size)
    with pytest.raises(InvalidAdapter, match=sentence):
        importing(folder, other)
