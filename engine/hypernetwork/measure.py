"""Latency and memory of internalizing one long chunk, with random weights in a published base's shape.

    python -m engine.hypernetwork.measure --tokens 2048 8192 --encoder nf4 bf16

Goes the way users go: a folder of safetensors, ``load_checkpoint``, then from token ids to the combined LoRA.
No weights need to be fetched: neither time nor memory depends on their values. docs/devices.md keeps the
tables.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from transformers import AutoModelForCausalLM, Gemma2Config

from engine.formats.hypernetwork_config import CONFIG_FILE, TENSORS_FILE, HypernetworkConfig, TargetModule
from engine.formats.weights_file import save_tensors
from engine.hypernetwork.doc_to_lora import DocToLora
from engine.hypernetwork.hypernetwork import Hypernetwork
from engine.hypernetwork.loading import load_checkpoint
from engine.hypernetwork.reading import Chunks

SHAPES: dict[str, dict[str, int]] = {
    "gemma-2-2b": {
        "hidden_size": 2304,
        "intermediate_size": 9216,
        "num_hidden_layers": 26,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "head_dim": 256,
        "vocab_size": 256_000,
        "sliding_window": 4096,
        "query_pre_attn_scalar": 256,
    },
    "tiny": {
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "vocab_size": 1000,
        "sliding_window": 64,
        "query_pre_attn_scalar": 16,
    },
}


@dataclass(frozen=True, slots=True)
class Measurement:
    """One row of the table.

    Attributes:
        median_s, least_s: of the encoder and the hypernetwork together, from token ids to a document's LoRA.
        weights_bytes, peak_bytes: allocated on the device before and at most during a run; 0 on the CPU.
    """

    encoder: str
    n_tokens: int
    median_s: float
    least_s: float
    weights_bytes: int
    peak_bytes: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print a table."""
    options = _parser().parse_args(arguments)
    device = torch.device(options.device)
    with TemporaryDirectory() as folder:
        base, weights = Path(folder) / "base", Path(folder) / "hypernetwork"
        _write_base(base, SHAPES[options.shape], device)
        _write_hypernetwork(weights, SHAPES[options.shape], n_blocks=options.blocks)
        rows = [row for encoder in options.encoder for row in _measure(base, weights, encoder, options)]
    _print(rows, _name(device), options.shape)
    return 0


def _measure(base: Path, weights: Path, encoder: str, options: argparse.Namespace) -> list[Measurement]:
    device = torch.device(options.device)
    doc = load_checkpoint(
        weights,
        encoder_model=base,
        device=device,
        dtype=torch.float32 if encoder == "fp32" else torch.bfloat16,
        tokenizer=object(),  # the chunks come as ids
        quantize_encoder=encoder == "nf4",
    )
    rows = [_row(doc, encoder, n_tokens, options.runs) for n_tokens in options.tokens]
    del doc
    if device.type == "cuda":
        torch.cuda.empty_cache()
    return rows


def _row(doc: DocToLora, encoder: str, n_tokens: int, n_runs: int) -> Measurement:
    device = doc.encoder.device
    torch.manual_seed(0)
    vocabulary = doc.encoder.vocabulary_size
    chunks = Chunks.pad([torch.randint(1, vocabulary, (n_tokens,)).tolist()])
    for _ in range(2):
        doc.combine(doc.factors(doc.latents(chunks)))
    weights_bytes = _allocated(device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    seconds: list[float] = []
    for _ in range(n_runs):
        _synchronize(device)
        begin_s = time.perf_counter()
        adapter = doc.combine(doc.factors(doc.latents(chunks)))
        _synchronize(device)
        seconds.append(time.perf_counter() - begin_s)
    assert all(factor.isfinite().all() for pair in adapter.values() for factor in pair)
    peak_bytes = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0
    return Measurement(encoder, n_tokens, statistics.median(seconds), min(seconds), weights_bytes, peak_bytes)


def _write_base(folder: Path, shape: dict[str, int], device: torch.device) -> None:
    torch.manual_seed(0)
    config = Gemma2Config(**shape, max_position_embeddings=8192)  # type: ignore[arg-type]
    make: Any = AutoModelForCausalLM  # untyped in transformers
    with device:
        model = make.from_config(config, dtype=torch.bfloat16)
    model.save_pretrained(folder)


def _write_hypernetwork(folder: Path, shape: dict[str, int], n_blocks: int) -> None:
    folder.mkdir()
    d_model, d_ffn, rank = shape["hidden_size"], shape["intermediate_size"], 8
    config = HypernetworkConfig(
        n_layers=shape["num_hidden_layers"],
        d_encoder=d_model,
        d_latent=512,
        lora_rank=rank,
        target_modules=(TargetModule("down_proj", d_ffn, d_model),),
        lora_alpha=2 * rank**1.5,
        n_blocks=n_blocks,
        base_model="google/gemma-2-2b-it",
    )
    tensors = {name: values.numpy() for name, values in Hypernetwork(config).state_dict().items()}
    save_tensors(folder / TENSORS_FILE, tensors, quantise=False)
    (folder / CONFIG_FILE).write_text(config.to_json(), encoding="utf-8")


def _print(rows: Sequence[Measurement], device: str, shape: str) -> None:
    print(f"{shape} with random weights, on {device}; encoder and hypernetwork, one chunk")
    print("| encoder | tokens | median s | least s | weights GB | peak GB |\n|---|---|---|---|---|---|")
    for row in rows:
        sizes = f"{row.weights_bytes / 1e9:.2f} | {row.peak_bytes / 1e9:.2f}"
        line = f"| {row.encoder} | {row.n_tokens} | {row.median_s:.3f} | {row.least_s:.3f} | {sizes} |"
        print(line)


def _allocated(device: torch.device) -> int:
    return torch.cuda.memory_allocated(device) if device.type == "cuda" else 0


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"the {device.type}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engine.hypernetwork.measure", description=__doc__)
    parser.add_argument("--shape", choices=SHAPES, default="gemma-2-2b")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--encoder", nargs="+", choices=("nf4", "bf16", "fp32"), default=["bf16"])
    parser.add_argument("--tokens", nargs="+", type=int, default=[2048, 8192])
    parser.add_argument("--blocks", type=int, default=9, help="encoder blocks; the releases have 9")
    parser.add_argument("--runs", type=int, default=7)
    return parser


if __name__ == "__main__":
    sys.exit(main())
