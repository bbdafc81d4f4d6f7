"""The process that writes a set of adapters for other programs. Entry of a spawned process."""

from multiprocessing.connection import Connection
from pathlib import Path

from engine.adapters.composition import ComposedSet, Composition, compose
from engine.adapters.destination import check_file, check_folder, prepare_parent
from engine.adapters.gguf_format import pack, write_adapter
from engine.adapters.gguf_validation import validate_adapter
from engine.adapters.latent_head import LatentHead
from engine.adapters.messages import AdapterExported, ExportAdapter
from engine.adapters.peft_format import peft_files, write_peft
from engine.adapters.provenance import Provenance
from engine.formats.atomic_files import write_private
from engine.models.base_geometry import target_of
from engine.outcome import send_result


def main(conn: Connection, order: ExportAdapter) -> None:
    """Write, tell the result, return; see ``engine.client``."""
    send_result(conn, lambda: export(order), "The adapter cannot be written there.", order.out)


def export(order: ExportAdapter) -> AdapterExported:
    """Write the adapter that answers when exactly this set takes part, all of it at equal weight.

    Raises:
        EngineError: the models or the adapters are damaged or do not fit, or something else is at the place.
        OSError: the place cannot be written.
    """
    adapter_set, out = order.adapter_set, order.out
    if order.format == "gguf":
        check_file(out, adapter_set, is_merged=False, may_overwrite=order.may_overwrite)
    else:
        check_folder(out, adapter_set, may_overwrite=order.may_overwrite)
    prepare_parent(out, makes_folders=order.makes_folders)
    head = LatentHead.load(adapter_set.weights_dir)
    composed = compose(Composition(head, adapter_set.hypernetwork_hash), adapter_set.parts)
    write = _write_gguf if order.format == "gguf" else _write_peft
    size_bytes = write(out, composed, Provenance.of(adapter_set, head.config))
    return AdapterExported(out, composed.factors.rank, size_bytes)


def _write_peft(out: Path, composed: ComposedSet, provenance: Provenance) -> int:
    files = peft_files(
        composed.factors,
        1.0,
        base_model=provenance.base_name,
        metadata=provenance.facts(composed.bias_ranks),
        card=provenance.adapter_card(composed.factors.rank),
    )
    write_peft(out, files)
    return sum(map(len, files.values()))


def _write_gguf(out: Path, composed: ComposedSet, provenance: Provenance) -> int:
    target = target_of(provenance.adapter_set.base_model)
    file = write_adapter(
        [(pack(composed.factors, 1.0, target.interleaved), 1.0)],
        architecture=target.architecture,
        metadata={
            "general.name": provenance.adapter_set.title,
            **provenance.facts(composed.bias_ranks),
        },
    )
    validate_adapter(file, target)  # what the chat would refuse must not go to others
    write_private(out, file.data)
    return int(file.nbytes)
