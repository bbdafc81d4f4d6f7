"""Rewrite a quantised GGUF model as float16.

Imports numpy and gguf, so this module is imported only where a conversion really runs: the GUI process stays
free of both. Whoever changes the bytes written here raises ``embedded.CONVERTER_VERSION``.
"""

from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np


def convert_to_float16(source: Path, target: Path, on_progress: Callable[[float], None]) -> None:
    """Write ``source`` to ``target`` with float16 matrices; vectors (norms) and their float32 stay.

    All metadata is kept, tokenizer and chat template included; only ``general.file_type`` changes. The result
    depends on the source's bytes alone, on every platform: each value is one IEEE multiply and add in float32,
    rounded to float16.

    Args:
        source: GGUF file of a model.
        target: overwritten; not synced to disk.
        on_progress: called in this thread with the share done, 0 to 1.

    Raises:
        ValueError: ``source`` is not a GGUF model.
        OSError: reading or writing failed, e.g. the disk is full.
    """
    reader = gguf.GGUFReader(source)
    architecture = reader.get_field("general.architecture")
    if architecture is None:
        raise ValueError(f"{source.name} names no architecture")
    writer = gguf.GGUFWriter(target, arch=str(architecture.contents()))
    try:
        _copy_metadata(reader, writer)
        for tensor in reader.tensors:
            dtype = np.dtype(np.float32 if _keeps_float32(tensor) else np.float16)
            shape = [int(n) for n in reversed(tensor.shape.tolist())]  # GGUF lists the fastest axis first
            writer.add_tensor_info(tensor.name, shape, dtype, int(tensor.n_elements) * dtype.itemsize)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        n_total = sum(int(t.n_elements) for t in reader.tensors)
        n_done = 0
        for tensor in reader.tensors:
            values = gguf.dequantize(tensor.data, tensor.tensor_type)
            dtype = np.dtype(np.float32 if _keeps_float32(tensor) else np.float16)
            writer.write_tensor_data(np.ascontiguousarray(values, dtype=dtype))
            n_done += int(tensor.n_elements)
            on_progress(n_done / n_total)
    finally:
        writer.close()


def _keeps_float32(tensor: gguf.ReaderTensor) -> bool:
    # llama.cpp multiplies norms as float32 vectors; it has no float16 kernel for them.
    return len(tensor.shape) == 1


def _copy_metadata(reader: gguf.GGUFReader, writer: gguf.GGUFWriter) -> None:
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue  # the header's own counts, and what the writer's constructor has put in already
        value = field.contents()
        if name == "general.file_type":
            value = int(gguf.LlamaFileType.MOSTLY_F16)
        is_array = field.types[0] == gguf.GGUFValueType.ARRAY
        writer.add_key_value(name, value, field.types[0], sub_type=field.types[-1] if is_array else None)
