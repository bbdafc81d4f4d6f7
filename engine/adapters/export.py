"""The process that writes a document's adapter for other programs. Entry of a spawned process."""

from multiprocessing.connection import Connection
from pathlib import Path

from engine.adapters.gguf_format import pack, write_adapter
from engine.adapters.gguf_validation import AdapterTarget, validate_adapter
from engine.adapters.latent_head import LatentHead
from engine.adapters.lora import LoraFactors, concatenate
from engine.adapters.peft_format import peft_files, write_peft
from engine.errors import EngineError, InvalidAdapter
from engine.messages import AdapterExported, ExportAdapter, WorkerFailed
from engine.models.gguf_header import read_header

BASE_MODEL_NAME = "HuggingFaceTB/SmolLM2-135M-Instruct"
"""The embedded base model on the Hugging Face hub, where users of PEFT find it."""


def main(conn: Connection, order: ExportAdapter) -> None:
    """Write, tell the result, return; see ``engine.client``."""
    try:
        exported = export(order)
    except EngineError as exc:
        conn.send(WorkerFailed(exc.title, exc.detail))
    except OSError as exc:
        reason = f"{exc.filename or order.out}: {exc.strerror or exc}."
        conn.send(WorkerFailed("The adapter cannot be written there.", reason))
    else:
        conn.send(exported)


def export(order: ExportAdapter) -> AdapterExported:
    """Write the adapter that answers when this document alone takes part.

    Raises:
        EngineError: the models or the adapter are damaged or do not fit.
        OSError: the place cannot be written.
    """
    head = LatentHead.load(order.weights_dir)
    blocks = head.factors_of(order.chunks)
    if (bias := head.bias()) is not None:
        blocks.append(bias)
    facts = {
        "loreleaf.note": order.title,
        "loreleaf.note_sha256": order.content_hash,
        "loreleaf.base_model_sha256": order.base_hash,
        "loreleaf.hypernetwork_sha256": order.hypernetwork_hash,
    }
    rank = sum(block.rank for block in blocks)
    if order.format == "gguf":
        size_bytes = _write_gguf(order, blocks, head.config.lora_alpha, facts)
    else:
        files = peft_files(
            concatenate(blocks), head.config.lora_alpha, base_model=BASE_MODEL_NAME, metadata=facts
        )
        write_peft(order.out, files)
        size_bytes = sum(map(len, files.values()))
    return AdapterExported(order.out, rank, size_bytes)


def _write_gguf(
    order: ExportAdapter, blocks: list[LoraFactors], lora_alpha: float, facts: dict[str, str]
) -> int:
    target = _target_of(order.base_model, blocks[0])
    file = write_adapter(
        [(pack(block, lora_alpha), 1.0) for block in blocks],
        architecture=target.architecture,
        metadata={"general.name": order.title, **facts},
    )
    validate_adapter(file, target)  # what the chat would refuse must not go to others
    order.out.parent.mkdir(parents=True, exist_ok=True)
    part = order.out.with_name(f"{order.out.name}.part")
    part.write_bytes(file.data)
    part.replace(order.out)
    return int(file.nbytes)


def _target_of(base_model: Path, factors: LoraFactors) -> AdapterTarget:
    """What the base model's file says about the layers that ``factors`` adapt."""
    from engine.adapters.gguf_format import TENSOR_NAMES

    try:
        header = read_header(base_model)
    except ValueError as exc:
        raise InvalidAdapter("The language model's file is damaged.", str(exc)) from exc
    architecture = str(header.values["general.architecture"])
    shapes = {entry.name: entry.shape for entry in header.tensors}
    names = [TENSOR_NAMES[name] for name in factors.modules]
    modules = {}
    for name in names:
        d_out, d_in = shapes[f"blk.0.{name}.weight"]
        modules[name] = (d_in, d_out)
    return AdapterTarget(architecture, int(str(header.values[f"{architecture}.block_count"])), modules)
