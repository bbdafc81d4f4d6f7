"""The process that reads an adapter which another program wrote. Entry of a spawned process."""

import re
from multiprocessing.connection import Connection

import numpy as np

from engine.adapters.external_adapter import ExternalAdapter, fit, refused
from engine.adapters.gguf_reading import read_gguf
from engine.adapters.lora_f16 import ImportedLora, content_hash, decode, encode
from engine.adapters.messages import AdapterImported, ImportAdapter
from engine.adapters.peft_reading import read_peft
from engine.adapters.provenance import BASE_HASH, HYPERNETWORK_HASH, read_bias_ranks, read_title
from engine.errors import InvalidAdapter
from engine.formats.lora import LoraFactors
from engine.models.base_geometry import target_of
from engine.outcome import send_result

_SHA256 = re.compile("[0-9a-f]{64}")


def main(conn: Connection, order: ImportAdapter) -> None:
    """Read, tell the result, return; see ``engine.client``."""
    send_result(conn, lambda: import_adapter(order), "The adapter cannot be read.", order.source)


def import_adapter(order: ImportAdapter) -> AdapterImported:
    """Read a PEFT folder or a GGUF LoRA, check that it fits the base model, and make it one of ours.

    Raises:
        InvalidAdapter: it is damaged, uses what is not supported, or belongs to another base model.
        ModelUnavailable: the base model's file cannot be read.
        OSError: the adapter cannot be read.
    """
    target = target_of(order.base_model)
    source = order.source
    adapter = read_peft(source) if source.is_dir() else read_gguf(source, target)
    factors = fit(adapter, target)
    data = _encoded(adapter, factors)
    return AdapterImported(
        file=adapter.file,
        title=read_title(adapter.facts),
        sha256=content_hash(data),
        rank=factors.rank,
        size_bytes=adapter.size_bytes,
        remark=_remark(adapter, factors, order.base_hash),
        data=data,
    )


def _encoded(adapter: ExternalAdapter, factors: LoraFactors) -> bytes:
    imported = _with_bias(adapter, factors)
    try:
        with np.errstate(over="ignore"):  # found out by reading it back
            data = encode(imported)
            decode(data)  # what the chat would refuse must not get into the library
    except InvalidAdapter as exc:
        raise refused(f"{adapter.file}: its numbers are too large to compute with.") from exc
    return data


def _with_bias(adapter: ExternalAdapter, factors: LoraFactors) -> ImportedLora:
    """The factors with what the metadata say of the bias block, which only our own exports have."""
    try:
        bias_ranks = read_bias_ranks(adapter.facts)
        identity = str(adapter.facts.get(HYPERNETWORK_HASH, ""))
        return ImportedLora(factors, bias_ranks, identity if _SHA256.fullmatch(identity) else "")
    except (ValueError, InvalidAdapter) as exc:
        raise refused(f"{adapter.file}: its metadata are damaged: {exc}") from exc


def _remark(adapter: ExternalAdapter, factors: LoraFactors, base_hash: str) -> str:
    remark = f"rank {factors.rank} on {', '.join(sorted(factors.modules))}"
    # The same model in another file (another conversion) is none the worse; but the user should know.
    if adapter.facts.get(BASE_HASH, base_hash) != base_hash:
        remark += "; made for another file of the base model"
    return remark
