"""Where this folder's numbers come from: the reference implementation of Doc-to-LoRA, run on this case.

    python tests/engine/hypernetwork/parity/reference_case.py REFERENCE CASE                    compares
    python tests/engine/hypernetwork/parity/reference_case.py REFERENCE CASE --cut-from WHOLE   makes the case

REFERENCE is a checkout of SakanaAI/doc-to-lora, CASE this folder. It needs the versions that the reference
pins (transformers 4.51.3, peft 0.15.2, einops, jaxtyping), hence an environment of its own. See README.md.
"""

import argparse
import os
import sys
import tempfile
from collections import OrderedDict
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

N_BLOCKS = 2
D_LATENT = 10
N_NEW_TOKENS = 12
SCALERS = (0.5, 1.5, -1.0)
BIAS_SCALER = 0.7
USER_SCALING = 0.5

Expected = dict[str, Tensor]
Untyped = Any
"""Of the reference, which has no types that could be imported here."""


# --- the reference on a CPU, without flash attention --------------------------------------------------------


def load_reference(case: Path) -> Untyped:
    """The case's model, made by the reference's own classes; the process's folder is changed for it."""
    hypernet: Untyped = import_module("ctx_to_lora.modeling.hypernet")
    idefics2: Untyped = import_module("ctx_to_lora.modeling.idefics2")
    idefics2.unpad_input = _unpad
    idefics2._flash_attention_forward = _exact_attention
    idefics2.Idefics2PreTrainedModel._check_and_enable_flash_attn_2 = classmethod(_accept_flash_attention)
    hypernet.get_model = _on_cpu(hypernet.get_model)
    state = _read(_checkpoint_of(case))
    folder = Path(tempfile.mkdtemp())
    name = Path(state["base_model_name_or_path"])  # a relative path, hence the change of folder
    (folder / name.parent).mkdir(parents=True)
    (folder / name).symlink_to(case.resolve() / "tiny_gemma2")
    os.chdir(folder)
    return hypernet.ModulatedPretrainedModel.from_state_dict(
        state, train=False, use_flash_attn=False, use_sequence_packing=False
    )


def find_reference(checkout: Path) -> None:
    """Let the reference be imported, without the library of data sets that it needs for training only."""
    sys.path.insert(0, str(checkout / "src"))
    processing = ModuleType("ctx_to_lora.data.processing")
    processing.__dict__["tokenize_ctx_text"] = None  # called by `internalize`, which is not used here
    sys.modules[processing.__name__] = processing


def _read(checkpoint: Path) -> dict[str, Untyped]:
    import_module("ctx_to_lora.modeling.hypernet")  # allows torch.load all classes but one
    arguments = import_module("ctx_to_lora.configs").CtxEncoderArguments
    torch.serialization.add_safe_globals([(set, "__builtin__.set"), arguments])
    state: dict[str, Untyped] = torch.load(checkpoint, map_location="cpu", weights_only=True)
    return state


def _on_cpu(get_model: Untyped) -> Untyped:
    def wrapped(name: str, **options: Untyped) -> Untyped:
        here = {"device": "cpu", "dtype": torch.float32, "use_flash_attn": False}
        return get_model(name, **{**options, **here})

    return wrapped


def _accept_flash_attention(_class: type, /, config: Untyped, **_options: object) -> Untyped:
    config._attn_implementation = "flash_attention_2"
    return config


def _unpad(context: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor, int, Tensor]:
    """As flash_attn.bert_padding does: (B, S, d), mask (B, S) to the real tokens (n, d) and their borders."""
    lengths = mask.sum(1)
    indices = mask.flatten().nonzero().flatten()
    borders = torch.nn.functional.pad(lengths.cumsum(0), (1, 0)).int()
    return context.flatten(0, 1)[indices], indices, borders, int(lengths.max()), lengths


def _exact_attention(
    query: Tensor, key: Tensor, value: Tensor, _mask: Tensor | None, _length: int, **borders: Untyped
) -> Tensor:
    """Variable-length attention without flash_attn: each sequence by itself, in full precision.

    Args:
        query: (B, Q, heads, d_head)
        key: (1, all S, heads, d_head), or one sequence for each of the B
        value: like ``key``
    """
    batch = query.shape[0]
    keys, values = key.flatten(0, 1), value.flatten(0, 1)
    starts = borders["cu_seq_lens_k"].tolist() if borders.get("cu_seq_lens_k") is not None else None
    if starts is None or len(starts) != batch + 1:
        starts = [index * key.shape[1] for index in range(batch + 1)]
    rows = []
    for index in range(batch):
        q = query[index].transpose(0, 1)  # (heads, Q, d_head)
        k = keys[starts[index] : starts[index + 1]].transpose(0, 1)
        v = values[starts[index] : starts[index + 1]].transpose(0, 1)
        weights = torch.softmax(q @ k.transpose(1, 2) / q.shape[-1] ** 0.5, dim=-1)
        rows.append((weights @ v).transpose(0, 1))
    return torch.stack(rows)


# --- what it must give --------------------------------------------------------------------------------------


@torch.inference_mode()
def expected_of(model: Untyped, inputs: Expected) -> Expected:
    """Every tensor of the case, from the token ids and masks in ``inputs``. README.md explains the names."""
    found: Expected = {}
    generated = {n: _generate(model, inputs, n, found) for n in ("1", "3", "g")}
    query = inputs["query_ids.1"]
    found["logits.base"] = _plain_logits(model, query)
    for n, n_chunks in (("1", [1]), ("3", [3])):
        combined = _combine(model, generated[n], n_chunks, f"comb.{n}", found)
        found[f"logits.{n}"] = _logits(model, combined, query)
        found[f"greedy.{n}"] = _greedy(model, combined, query)
    of_both = _combine(model, generated["g"], [1, 3], "comb.g", found)
    found["logits.g"] = _logits(model, of_both, inputs["query_ids.3"], [1, 2], inputs["query_mask.3"])
    scaled = _combine(
        model, generated["3"], [3], "comb_scaled.3", found,
        scalers=torch.tensor(SCALERS), bias_scaler=BIAS_SCALER,
    )  # fmt: skip
    found["logits_scaled.3"] = _logits(model, scaled, query)
    model.user_defined_scaling = USER_SCALING
    softer = _combine(model, _generate(model, inputs, "3", {}), [3], "", {})
    model.user_defined_scaling = 1
    found[f"logits_user_scaling_{USER_SCALING}.3"] = _logits(model, softer, query)
    return found


def _generate(model: Untyped, inputs: Expected, n: str, found: Expected) -> Untyped:
    taken: Expected = {}

    def take(name: str, _module: object, _inputs: object, output: Tensor) -> None:
        taken[name] = output

    def take_input(name: str, _module: object, inputs: tuple[Tensor, ...]) -> None:
        taken[name] = inputs[0]

    hypernet, perceiver = model.hypernet, model.hypernet.aggregator.perceiver
    stages = {
        "proj": perceiver.modality_projection,
        "enc": perceiver.encoder,
        "dec": perceiver.decoder,
        "resmlp": hypernet.layers,
        "head": hypernet.head,
    }
    hooks = [module.register_forward_hook(partial(take, name)) for name, module in stages.items()]
    hooks.append(hypernet.head.register_forward_pre_hook(partial(take_input, "l2")))
    hooks.append(model.ctx_encoder.register_forward_hook(partial(take, "features")))
    generated, _ = model.generate_weights(inputs[f"ctx_ids.{n}"], inputs[f"ctx_mask.{n}"])
    for hook in hooks:
        hook.remove()
    if n != "g":
        found[f"features.{n}"] = taken.pop("features")
        found.update({f"stage.{n}.{name}": tensor for name, tensor in taken.items()})
        found.update(_named(generated, f"gen.{n}"))
    return generated


def _named(factors: Untyped, prefix: str) -> Expected:
    return {
        f"{prefix}.{module}.{letter}": factors[module][letter] for module in factors for letter in ("A", "B")
    }


def _combine(
    model: Untyped,
    generated: Untyped,
    n_chunks: list[int],
    name: str,
    found: Expected,
    **scaling: Untyped,
) -> Untyped:
    bias = model.hypernet.get_head_bias()
    combined = model.combine_lora(generated, torch.tensor(n_chunks), lora_bias=bias, **scaling)
    found.update(_named(combined, name))
    return combined


def _logits(
    model: Untyped,
    combined: Untyped,
    ids: Tensor,
    n_queries: list[int] | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    model.patch_lora_forward()
    model.apply_lora_to_layers(
        model.base_model, model.hypernet.layer_indices, combined, torch.tensor(n_queries or [1]), None
    )
    logits: Tensor = model.base_model(input_ids=ids, attention_mask=mask).logits
    model.reset()
    return logits


def _plain_logits(model: Untyped, ids: Tensor) -> Tensor:
    model.reset()
    logits: Tensor = model.base_model(input_ids=ids).logits
    return logits


def _greedy(model: Untyped, combined: Untyped, ids: Tensor) -> Tensor:
    for _ in range(N_NEW_TOKENS):
        ids = torch.cat([ids, _logits(model, combined, ids)[:, -1:].argmax(-1)], dim=1)
    return ids


# --- the cut ------------------------------------------------------------------------------------------------


def cut(whole: Path, case: Path) -> None:
    """Write a checkpoint with the first blocks and the first latent dimensions of the one in ``whole``."""
    state = _read(_checkpoint_of(whole))
    config = state["hypernet_config"]
    aggregator = config.aggregator_config
    width = config.latent_size
    kept: OrderedDict[str, object] = OrderedDict()
    for name, value in state.items():
        block = name.partition("encoder.layers.")[2].partition(".")[0]
        if block and int(block) >= N_BLOCKS:
            continue
        kept[name] = _narrow(name, value, width) if isinstance(value, Tensor) else value
    config.latent_size = aggregator.output_size = D_LATENT
    aggregator.num_blocks = N_BLOCKS
    path = _checkpoint_of(case)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Tagged as the storages of real checkpoints are.
    torch.serialization.register_package(0, lambda _storage: "cuda:0", lambda _storage, _location: None)
    torch.save(kept, path)


def _narrow(name: str, tensor: Tensor, width: int) -> Tensor:
    """Keep the first part of each axis that is ``width``, or four times it, long; but of none that is not.

    The modality projection's hidden axis and all of the attention's heads have other lengths.
    """
    if name.startswith(("bias_", "scaler_")):
        return tensor
    for axis, length in enumerate(tensor.shape):
        is_hidden = "mlp" in name or name.startswith("layers.")
        if length == width or (is_hidden and length == 4 * width):
            tensor = tensor.narrow(axis, 0, length // width * D_LATENT)
    return tensor.clone()


# --- command line -------------------------------------------------------------------------------------------


def _checkpoint_of(case: Path) -> Path:
    return case / "gemma2_l2l" / "checkpoint-1" / "pytorch_model.bin"


def _expected_of(case: Path) -> Path:
    return case / "gemma2_l2l" / "expected.safetensors"


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description="Run the reference implementation on a parity case.")
    parser.add_argument("reference", type=Path, help="checkout of SakanaAI/doc-to-lora")
    parser.add_argument("case", type=Path)
    parser.add_argument("--cut-from", type=Path, metavar="WHOLE", help="make the case from a larger one")
    arguments = parser.parse_args()
    find_reference(arguments.reference)
    whole, case = arguments.cut_from, arguments.case.resolve()
    known = load_file(_expected_of(whole or case))
    if whole is not None:
        cut(whole, case)
    found = expected_of(load_reference(case), known)
    if whole is None:
        differences = {name: float((known[name] - found[name]).abs().max()) for name in found}
        print(*(f"{difference:.1e} {name}" for name, difference in differences.items()), sep="\n")
    else:
        inputs = {name: known[name] for name in known if name.startswith(("ctx_", "query_"))}
        save_file({**inputs, **{n: t.contiguous().clone() for n, t in found.items()}}, _expected_of(case))


if __name__ == "__main__":
    main()
