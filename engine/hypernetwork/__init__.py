"""Doc-to-LoRA hypernetworks. ``load_checkpoint`` is the way in; docs/doc-to-lora.md shows how it is used."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.hypernetwork.loading import load_checkpoint as load_checkpoint

__all__ = ["load_checkpoint"]


def __getattr__(name: str) -> object:
    # Imported on demand: torch and transformers take seconds, and the chat process does without.
    if name == "load_checkpoint":
        from engine.hypernetwork.loading import load_checkpoint

        return load_checkpoint
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
