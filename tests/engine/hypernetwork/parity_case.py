"""Where the parity case lies: what the reference implementation gives for a tiny model, exactly."""

from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor

CASE = Path(__file__).parent / "parity"
CHECKPOINT = CASE / "gemma2_l2l" / "checkpoint-1"
BASE = CASE / "tiny_gemma2"
NOTE = (CASE / "doc.txt").read_text(encoding="utf-8")

STAGE_TOLERANCE = 1e-5
LOGITS_TOLERANCE = 2e-5


def expected_tensors() -> dict[str, Tensor]:
    """Every tensor of the case by the name that parity/README.md explains."""
    return load_file(CASE / "gemma2_l2l" / "expected.safetensors")
