"""From a published checkpoint to a folder that loads fast and cannot contain programs."""

from pathlib import Path

from safetensors.torch import save_file

from engine.formats.atomic_files import put_in_place, write_whole
from engine.formats.hypernetwork_config import CONFIG_FILE, TENSORS_FILE
from engine.hypernetwork.checkpoint import read_checkpoint


def convert_checkpoint(path: Path, folder: Path) -> None:
    """Write ``hypernetwork.safetensors`` and ``config.json`` of a ``pytorch_model.bin`` into ``folder``.

    The tensors stay as they are; config.json comes last and makes the folder complete.

    Raises:
        ModelUnavailable: the checkpoint is missing, damaged, could run programs, or cannot be used.
        OSError: the folder cannot be written.
    """
    checkpoint = read_checkpoint(path)
    folder.mkdir(parents=True, exist_ok=True)
    # With shared weights one tensor has several names; safetensors wants each to be a tensor of its own.
    tensors = {name: tensor.contiguous() for name, tensor in checkpoint.tensors.items()}
    part = folder / f"{TENSORS_FILE}.part"
    save_file(tensors, part, metadata={"format": "loreleaf-hypernetwork-1", "source": path.name})
    put_in_place(part, folder / TENSORS_FILE)
    write_whole(folder / CONFIG_FILE, checkpoint.config.to_json())
