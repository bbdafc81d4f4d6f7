"""Local files in place of a download: recognised by what is in them, refused with the reason."""

import json
import os
from pathlib import Path
from typing import Any

import gguf
import pytest
import torch

from engine.errors import ModelUnavailable
from engine.formats.hypernetwork_config import CONFIG_FILE, TENSORS_FILE
from engine.models.local_files import LocalPart, find_parts
from engine.models.registry import Role
from tests.engine.toy_registry import (
    CHECKPOINT,
    SHARDS,
    checkpoint_bytes,
    encoder_files,
    gguf_bytes,
    gguf_tensors,
    hypernetwork_config,
    toy_entry,
    write_files,
)

ENTRY = toy_entry()


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder with all three parts, as a user may have them."""
    files = {f"models/base/{name}": content for name, content in encoder_files().items()}
    files |= {f"d2l/{CHECKPOINT}": checkpoint_bytes(), "chat.gguf": gguf_bytes(tmp_path)}
    return write_files(tmp_path / "mine", files)


def refusal(*sources: Path) -> ModelUnavailable:
    with pytest.raises(ModelUnavailable) as failure:
        find_parts(ENTRY, sources)
    return failure.value


def test_one_folder_may_hold_all_parts(mine: Path) -> None:
    found = find_parts(ENTRY, [mine])

    assert set(found) == set(Role)
    assert found[Role.CHAT] == LocalPart(Role.CHAT, mine, ("chat.gguf",))
    assert found[Role.HYPERNETWORK].folder == (mine / "d2l" / CHECKPOINT).parent
    assert set(found[Role.ENCODER].names) == set(encoder_files())


def test_each_part_may_be_named_by_itself(mine: Path) -> None:
    sources = [mine / "models" / "base", mine / "d2l" / CHECKPOINT, mine / "chat.gguf"]

    assert find_parts(ENTRY, sources) == find_parts(ENTRY, [mine])


def test_a_hypernetwork_in_our_form_needs_no_checkpoint(tmp_path: Path) -> None:
    from safetensors.numpy import save

    files = {CONFIG_FILE: hypernetwork_config().to_json().encode(), TENSORS_FILE: save({})}

    found = find_parts(ENTRY, [write_files(tmp_path / "mine", files)])

    assert found[Role.HYPERNETWORK].names == (CONFIG_FILE, TENSORS_FILE)


def test_old_weights_beside_the_base_model_are_no_hypernetwork(tmp_path: Path) -> None:
    files = encoder_files() | {"pytorch_model.bin": b"PK of another kind"}

    assert set(find_parts(ENTRY, [write_files(tmp_path / "mine", files)])) == {Role.ENCODER}


def test_among_several_checkpoints_the_one_in_its_publishers_place_is_taken(mine: Path) -> None:
    write_files(mine, {"d2l/toy_demo/checkpoint-80000/pytorch_model.bin": checkpoint_bytes()})

    assert find_parts(ENTRY, [mine])[Role.HYPERNETWORK].folder == (mine / "d2l" / CHECKPOINT).parent


def test_two_of_a_kind_are_not_chosen_from(mine: Path, tmp_path: Path) -> None:
    write_files(mine, {"other.gguf": gguf_bytes(tmp_path)})

    refused = refusal(mine)

    assert "more than one chat part" in refused.title
    assert str(mine / "chat.gguf") in refused.detail
    assert str(mine / "other.gguf") in refused.detail


def test_something_that_does_not_exist_is_told(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "nowhere").detail


def test_a_folder_without_models_is_told_what_is_looked_for(tmp_path: Path) -> None:
    assert "config.json" in refusal(write_files(tmp_path / "mine", {"a.txt": b"a"})).detail


def test_a_file_of_an_unknown_kind_is_told(tmp_path: Path) -> None:
    assert "no part of a model" in refusal(write_files(tmp_path / "x", {"a.zip": b"a"}) / "a.zip").title


# --- the base model -----------------------------------------------------------------------------------------


def test_another_base_model_is_refused_with_both_sizes(tmp_path: Path) -> None:
    refused = refusal(write_files(tmp_path / "mine", encoder_files(n_layers=9)))

    assert refused.title == "This is not Toy 2B Instruct."
    assert "9 layers" in refused.detail


@pytest.mark.parametrize("missing", ["tokenizer.json", SHARDS[1]])
def test_a_base_model_that_lacks_a_file_is_refused(tmp_path: Path, missing: str) -> None:
    folder = write_files(tmp_path / "mine", encoder_files())
    (folder / missing).unlink()

    assert refusal(folder).detail == f"{folder / missing} is missing."


def test_a_shard_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "mine", encoder_files())
    (folder / SHARDS[0]).write_bytes(encoder_files()[SHARDS[0]][:-10])

    assert "damaged or cut off" in refusal(folder).title


def test_shards_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    files = encoder_files()
    folder = write_files(tmp_path / "mine", files | {SHARDS[1]: files[SHARDS[0]]})

    assert f"{folder / SHARDS[1]} lacks layer1.weight" in refusal(folder).detail


@pytest.mark.parametrize("weight_map", [{}, {"layer0.weight": "../elsewhere.safetensors"}])
def test_an_index_that_makes_no_sense_is_refused(tmp_path: Path, weight_map: dict[str, str]) -> None:
    index = json.dumps({"weight_map": weight_map}).encode()
    files = encoder_files() | {"model.safetensors.index.json": index}

    assert "index is damaged" in refusal(write_files(tmp_path / "mine", files)).title


# --- the GGUF -----------------------------------------------------------------------------------------------


def gguf_file(folder: Path, content: bytes, name: str = "a.gguf") -> Path:
    return write_files(folder / "mine", {name: content}) / name


@pytest.mark.parametrize(
    ("more", "has"),
    [
        ({"n_layers": 30}, "'gemma2' with 30 layers of 64 numbers and 32 tokens"),
        ({"architecture": "qwen2"}, "'qwen2' with 2 layers of 64 numbers and 32 tokens"),
    ],
)
def test_another_gguf_is_refused_with_both_sizes(tmp_path: Path, more: dict[str, Any], has: str) -> None:
    refused = refusal(gguf_file(tmp_path, gguf_bytes(tmp_path, **more)))

    assert refused.title == "This is not Toy 2B Instruct."
    assert f"{has}; expected 'gemma2', 2, 64 and 32" in refused.detail
    assert "models add" in refused.detail


def test_a_gguf_with_another_vocabulary_is_refused(tmp_path: Path) -> None:
    tensors = gguf_tensors() | {"token_embd.weight": (40, 64)}
    refused = refusal(gguf_file(tmp_path, gguf_bytes(tmp_path, n_vocab=40, tensors=tensors)))

    assert "40 tokens; expected 'gemma2', 2, 64 and 32" in refused.detail


def test_a_gguf_whose_vocabulary_is_not_that_of_its_embedding_is_refused(tmp_path: Path) -> None:
    refused = refusal(gguf_file(tmp_path, gguf_bytes(tmp_path, n_vocab=31)))

    assert "31 tokens, and a table for 32" in refused.detail


def test_a_gguf_without_tensors_is_refused(tmp_path: Path) -> None:
    refused = refusal(gguf_file(tmp_path, gguf_bytes(tmp_path, tensors={})))

    assert refused.title == "This GGUF file is empty."
    assert "'gemma2' with 2 layers" in refused.detail


@pytest.mark.parametrize(
    "missing", ["token_embd.weight", "output_norm.weight", "blk.1.attn_q.weight", "blk.0.ffn_down.weight"]
)
def test_a_gguf_that_lacks_a_tensor_is_refused(tmp_path: Path, missing: str) -> None:
    tensors = {name: shape for name, shape in gguf_tensors().items() if name != missing}

    assert missing in refusal(gguf_file(tmp_path, gguf_bytes(tmp_path, tensors=tensors))).detail


def test_a_gguf_that_lacks_whole_layers_is_refused(tmp_path: Path) -> None:
    content = gguf_bytes(tmp_path, tensors=gguf_tensors(n_layers=1))

    assert "the first of them 1" in refusal(gguf_file(tmp_path, content)).detail


def test_a_gguf_with_a_matrix_of_another_size_is_refused(tmp_path: Path) -> None:
    tensors = gguf_tensors() | {"blk.1.ffn_down.weight": (64, 9)}

    assert "blk.1.ffn_down.weight is (64, 9), expected (64, 8)" in (
        refusal(gguf_file(tmp_path, gguf_bytes(tmp_path, tensors=tensors))).detail
    )


def test_a_gguf_that_is_an_adapter_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lora.gguf"
    writer = gguf.GGUFWriter(path, arch="gemma2")
    writer.add_type("adapter")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()

    assert "of the type 'adapter'" in refusal(path).detail


def test_a_named_pipe_is_no_gguf(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has none")
    os.mkfifo(tmp_path / "pipe.gguf")

    assert "is no file" in refusal(tmp_path / "pipe.gguf").detail


@pytest.mark.parametrize("keep", [0, 3, 100, -20])
def test_a_gguf_that_was_cut_off_is_refused(tmp_path: Path, keep: int) -> None:
    path = write_files(tmp_path / "mine", {"a.gguf": gguf_bytes(tmp_path)[:keep]}) / "a.gguf"

    assert refusal(path).title in ("This GGUF file cannot be read.", "This GGUF file is cut off.")


def test_a_piece_of_a_split_gguf_is_refused(tmp_path: Path) -> None:
    path = write_files(tmp_path / "mine", {"a.gguf": gguf_bytes(tmp_path, split_count=2)}) / "a.gguf"

    assert "llama-gguf-split --merge" in refusal(path).detail


def test_a_piece_of_a_split_gguf_is_known_by_its_name(tmp_path: Path) -> None:
    path = gguf_file(tmp_path, gguf_bytes(tmp_path), "a-00001-of-00003.gguf")

    assert "llama-gguf-split --merge" in refusal(path).detail
    assert find_parts(ENTRY, [gguf_file(tmp_path, gguf_bytes(tmp_path), "b-00001-of-00001.gguf")])


# --- the hypernetwork ---------------------------------------------------------------------------------------


def test_a_checkpoint_for_another_base_model_is_refused(tmp_path: Path) -> None:
    path = write_files(tmp_path / "x", {"a.bin": checkpoint_bytes("google/gemma-2-2b-it")}) / "a.bin"

    assert "does not name maker/toy-base-it" in refusal(path).detail


@pytest.mark.parametrize("is_named_before", [False, True])
def test_the_base_model_that_a_checkpoint_names_is_said(tmp_path: Path, is_named_before: bool) -> None:
    named = "google/gemma-2-2b-it"
    encoder = {"ctx_encoder_model_name_or_path": named} if is_named_before else {}
    content = {"hypernet_config": encoder, "base_model_name_or_path": named}
    torch.save(content, tmp_path / "a.bin")

    assert f"was made for {named}, not for maker/toy-base-it" in refusal(tmp_path / "a.bin").detail


def test_a_checkpoint_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    path = write_files(tmp_path / "mine", {"a.bin": checkpoint_bytes()[:-40]}) / "a.bin"

    assert "cut off" in refusal(path).title


def test_a_hypernetwork_in_our_form_for_another_model_is_refused(tmp_path: Path) -> None:
    config = hypernetwork_config(n_layers=30, d_encoder=576)
    files = {CONFIG_FILE: config.to_json().encode(), TENSORS_FILE: b""}

    assert "30 layers of 576 numbers" in refusal(write_files(tmp_path / "mine", files)).detail
