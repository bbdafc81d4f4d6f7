"""Checkpoints of the reference: every option is honoured or refused by name, and nothing in them runs."""

import pickle
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.errors import ModelUnavailable
from engine.formats.hypernetwork_config import HypernetworkConfig, TargetModule
from engine.hypernetwork.checkpoint import read_checkpoint
from engine.hypernetwork.convert import convert_checkpoint
from engine.hypernetwork.hypernetwork import Hypernetwork
from engine.hypernetwork.internalizer import load_hypernetwork
from engine.hypernetwork.loading import read_hypernetwork
from tests.engine.hypernetwork.reference_checkpoints import random_hypernetwork, write_checkpoint

PLAIN = HypernetworkConfig(
    n_layers=3,
    d_encoder=12,
    d_latent=16,
    lora_rank=2,
    target_modules=(TargetModule("down_proj", 20, 12),),
    lora_alpha=2 * 2**1.5,
    n_latents=5,
    n_blocks=2,
    base_model="tiny/base",
    max_chunk_tokens=512,
)
VARIANTS = {
    "plain": PLAIN,
    "several modules": replace(
        PLAIN,
        target_modules=(
            TargetModule("down_proj", 20, 12),
            TargetModule("o_proj", 8, 12),
            TargetModule("q_proj", 12, 8),
        ),
    ),
    "self-attention": replace(PLAIN, n_self_attn_per_block=2),
    "shared weights": replace(PLAIN, n_blocks=3, n_self_attn_per_block=1, shared_weights=True),
    "shared residual MLP": replace(PLAIN, per_layer_processing=False),
    "no bias": replace(PLAIN, use_bias=False, bias_rank=0),
    "early exit": replace(PLAIN, encoder_kind="early_exit", encoder_layer=2),
    "embeddings": replace(PLAIN, encoder_kind="embeddings"),
    "foreign encoder": replace(PLAIN, encoder_model="tiny/other", encoder_layer=3, d_encoder=18),
    "4-bit encoder": replace(PLAIN, encoder_in_nf4=True),
    "four residual MLPs": replace(PLAIN, n_pre_head_layers=4),
}


def assert_same(ours: Hypernetwork, theirs: Hypernetwork) -> None:
    assert ours.config == theirs.config
    for (name, a), (other_name, b) in zip(
        ours.state_dict().items(), theirs.state_dict().items(), strict=True
    ):
        assert name == other_name
        assert torch.equal(a, b), name


@pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS.keys())
def test_every_option_comes_back_and_survives_the_conversion(
    tmp_path: Path, config: HypernetworkConfig
) -> None:
    hypernetwork = random_hypernetwork(config)
    path = tmp_path / "pytorch_model.bin"
    write_checkpoint(path, hypernetwork)

    assert_same(read_hypernetwork(path), hypernetwork)
    convert_checkpoint(path, tmp_path / "converted")
    assert_same(read_hypernetwork(tmp_path / "converted"), hypernetwork)
    assert_same(load_hypernetwork(tmp_path / "converted"), hypernetwork)


def test_old_files_have_other_names_and_lack_attributes(tmp_path: Path) -> None:
    hypernetwork = random_hypernetwork(replace(PLAIN, n_pre_head_layers=4))
    path = tmp_path / "pytorch_model.bin"
    write_checkpoint(
        path,
        hypernetwork,
        rename={"HypernetConfig": "ctx_to_lora.modeling_utils"},
        without=("num_pre_head_layers", "use_per_rank_bias", "use_bias"),
        prefix="_orig_mod.",
    )
    assert_same(read_hypernetwork(path), hypernetwork)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_tensors_of_half_size_are_read_as_float32(tmp_path: Path, dtype: torch.dtype) -> None:
    hypernetwork = random_hypernetwork(PLAIN)
    path = tmp_path / "pytorch_model.bin"
    write_checkpoint(path, hypernetwork, dtype=dtype)
    loaded = read_hypernetwork(path)
    assert loaded.head["weight"].dtype == torch.float32
    assert torch.equal(loaded.head["weight"], hypernetwork.head["weight"].to(dtype).float())


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"per_rank_gen": False}, "per_rank_gen"),
        ({"use_per_rank_bias": True}, "use_per_rank_bias"),
        ({"use_light_weight_lora": True}, "use_light_weight_lora"),
        ({"use_token_mixing": True}, "use_token_mixing"),
        ({"extra_modules": ["lm_head"]}, "extra_modules"),
        ({"aggregator_type": "pooler"}, "pooler"),
        ({"ctx_encoder_type": "last_token"}, "last_token"),
        ({"layer_to_layer_ctx_encoder": False}, "layer_to_layer_ctx_encoder"),
        ({"layer_indices": torch.tensor([0, 2])}, "layers"),
        ({"latent_size": -3}, "latent"),
    ],
)
def test_an_option_that_cannot_be_honoured_is_named(
    tmp_path: Path, change: dict[str, object], named: str
) -> None:
    path = tmp_path / "pytorch_model.bin"
    write_checkpoint(path, random_hypernetwork(PLAIN), change=change)
    with pytest.raises(ModelUnavailable, match=named):
        read_hypernetwork(path)


def test_tensors_that_do_not_fit_the_configuration_are_named(tmp_path: Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    write_checkpoint(path, random_hypernetwork(PLAIN), change={"num_blocks": 3})
    with pytest.raises(ModelUnavailable, match=r"encoder\.layers\.2"):
        read_hypernetwork(path)


@pytest.mark.parametrize(
    ("config", "name"),
    [
        (VARIANTS["no bias"], "bias_C.down_proj"),
        (VARIANTS["no bias"], "bias_A.up_proj"),
        (VARIANTS["no bias"], "bias_A"),
        (PLAIN, "bias_A.up_proj"),
    ],
)
def test_only_the_bias_block_of_the_adapted_layers_may_be_there_for_nothing(
    tmp_path: Path, config: HypernetworkConfig, name: str
) -> None:
    path = tmp_path / "pytorch_model.bin"
    write_checkpoint(path, random_hypernetwork(config), more={name: torch.zeros(3, 2, 20)})
    for read in (read_hypernetwork, lambda path: convert_checkpoint(path, tmp_path / "converted")):
        with pytest.raises(
            ModelUnavailable, match=rf"It has {name}, of which its configuration says nothing"
        ):
            read(path)


def test_without_use_bias_a_bias_block_is_written_and_ignored(tmp_path: Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    write_checkpoint(path, random_hypernetwork(VARIANTS["no bias"]))
    with zipfile.ZipFile(path) as archive:
        (pickled,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
        assert b"bias_A.down_proj" in archive.read(pickled)
    assert not [name for name in read_checkpoint(path).tensors if name.startswith("bias_")]


class _Call:
    """Pickles as the call of a function."""

    def __init__(self, function: object, *arguments: object) -> None:
        self._reduced = (function, arguments)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self._reduced


@pytest.mark.parametrize("nested", [False, True])
def test_a_file_that_names_another_function_is_refused_before_it_runs(tmp_path: Path, nested: bool) -> None:
    import os

    marker = tmp_path / "ran"
    path = tmp_path / "pytorch_model.bin"
    call = _Call(os.mkdir, str(marker))
    torch.save({"hypernet_config": [{"deep": call}] if nested else call}, path)
    with pytest.raises(ModelUnavailable, match=r"(posix|nt)\.mkdir"):
        read_checkpoint(path)
    assert not marker.exists()


@pytest.mark.parametrize(
    "name", ["builtins.eval", "torch.load", "torch._utils._rebuild_parameter", "os.system"]
)
def test_names_are_allowed_one_by_one_not_by_module(tmp_path: Path, name: str) -> None:
    module, _, attribute = name.rpartition(".")
    program = b"\x80\x02c" + f"{module}\n{attribute}\n".encode() + b"."
    assert pickle.PROTO in program
    path = tmp_path / "pytorch_model.bin"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", program)
    with pytest.raises(ModelUnavailable, match=name.replace(".", r"\.")):
        read_checkpoint(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04 and nothing more", b"\x80\x02}q\x00.", b"version https://git-lfs.github.com"],
)
def test_what_is_no_checkpoint_is_refused_with_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "pytorch_model.bin"
    path.write_bytes(content)
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        read_checkpoint(path)


def test_a_checkpoint_cut_off_anywhere_is_refused_with_a_sentence(tmp_path: Path) -> None:
    whole = tmp_path / "whole.bin"
    write_checkpoint(whole, random_hypernetwork(PLAIN))
    data = whole.read_bytes()
    path = tmp_path / "pytorch_model.bin"
    for tenths in range(10):
        path.write_bytes(data[: len(data) * tenths // 10])
        with pytest.raises(ModelUnavailable, match="cannot be read"):
            read_checkpoint(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        read_checkpoint(tmp_path / "pytorch_model.bin")
