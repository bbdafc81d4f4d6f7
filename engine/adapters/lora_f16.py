"""An adapter that was made elsewhere, as the catalog keeps it: Codec.LORA_F16.

The SHA-256 of the rest (32 bytes), then a safetensors file with three tensors per module: ``m.lora_A``
(n_layers, r, d_in) and ``m.lora_B`` (n_layers, r, d_out) in float16, ``m.gain`` (n_layers,) in float32. The
delta is gain * B^T A: both factors are brought near 2 ** 6, layer by layer, so that float16 rounds them to
eleven bits however small or large they were. Gains are powers of two and round nothing by themselves.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from engine.errors import InvalidAdapter
from engine.formats.foreign_json import parse_json
from engine.formats.lora import Float32, LoraFactors
from engine.formats.safetensors_header import parse_header

_DIGEST_BYTES = hashlib.sha256().digest_size
_PEAK_EXPONENT = 6
_FACTS = "loreleaf"


@dataclass(frozen=True)
class ImportedLora:
    """Factors with what is known of them.

    Attributes:
        factors: all scaling folded in, so that the delta is B^T A.
        bias_ranks: module -> how many of its last ranks are the bias block that every set of
            ``hypernetwork_hash`` has once; empty if there is none, as in all that Loreleaf did not export.
        hypernetwork_hash: of the hypernetwork whose bias block it is; empty if there is none.
    """

    factors: LoraFactors
    bias_ranks: Mapping[str, int] = field(default_factory=dict)
    hypernetwork_hash: str = ""

    def __post_init__(self) -> None:
        ranks = {name: A.shape[1] for name, (A, _B) in self.factors.modules.items()}
        if any(not 0 < rank < ranks.get(name, 0) for name, rank in self.bias_ranks.items()):
            detail = f"It says that {dict(self.bias_ranks)} of its ranks {ranks} are shared."
            raise InvalidAdapter("An imported adapter is damaged.", detail)

    def without_bias(self) -> LoraFactors:
        """The factors less the bias block."""
        modules = dict(self.factors.modules)
        for name, rank in self.bias_ranks.items():
            A, B = modules[name]
            modules[name] = (A[:, :-rank], B[:, :-rank])
        return LoraFactors(modules)


def encode(imported: ImportedLora) -> bytes:
    """The bytes for the catalog."""
    tensors: dict[str, NDArray[np.float16] | Float32] = {}
    for name, (A, B) in imported.factors.modules.items():
        tensors[f"{name}.lora_A"], gain_A = _normalised(A)
        tensors[f"{name}.lora_B"], gain_B = _normalised(B)
        tensors[f"{name}.gain"] = np.exp2(gain_A + gain_B).astype(np.float32)
    facts = {
        "bias_ranks": dict(imported.bias_ranks),
        "hypernetwork_sha256": imported.hypernetwork_hash,
    }
    # As one text: the library writes several in another order each time, and equal adapters must be equal.
    body = save(tensors, {_FACTS: json.dumps(facts, sort_keys=True)})
    return hashlib.sha256(body).digest() + body


def content_hash(data: bytes) -> str:
    """Identity of what ``encode`` gave: SHA-256 hex."""
    return data[:_DIGEST_BYTES].hex()


def decode(data: bytes) -> ImportedLora:
    """What ``encode`` was given, up to its rounding.

    Raises:
        InvalidAdapter: the bytes are not those that were written.
    """
    body = data[_DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != data[:_DIGEST_BYTES]:
        detail = "Its bytes in the library are not those that were written. Forget it and import it again."
        raise InvalidAdapter("An imported adapter is damaged.", detail)
    try:
        tensors = load(body)
        facts = parse_json(parse_header(body).metadata[_FACTS])
        names = [name.removesuffix(".gain") for name in tensors if name.endswith(".gain")]
        modules = {
            name: (
                tensors[f"{name}.lora_A"].astype(np.float32),
                tensors[f"{name}.lora_B"].astype(np.float32) * tensors[f"{name}.gain"][:, None, None],
            )
            for name in sorted(names)
        }
        return ImportedLora(LoraFactors(modules), facts["bias_ranks"], facts["hypernetwork_sha256"])
    except (SafetensorError, KeyError, ValueError, IndexError, TypeError) as exc:
        # The digest fits, so this is what another version of the program wrote.
        raise InvalidAdapter("An imported adapter cannot be read.", f"{exc}. Import it again.") from exc


def _normalised(values: Float32) -> tuple[NDArray[np.float16], Float32]:
    """Values near 2 ** 6 in float16, and the exponent of two per layer that was taken out of them."""
    peak = np.abs(values).max(axis=(1, 2))  # (n_layers,)
    exponent = np.rint(np.log2(peak, out=np.zeros_like(peak), where=peak > 0)) - _PEAK_EXPONENT
    exponent = np.maximum(exponent, -126)  # the smallest power of two that float32 has all its bits for
    return (values / np.exp2(exponent)[:, None, None]).astype("<f2"), exponent
