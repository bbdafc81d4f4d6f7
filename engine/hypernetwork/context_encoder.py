"""States of a transformers model for the hypernetwork: the context encoder of the published bases.

The embedded base has its own (engine.hypernetwork.llama), which needs no transformers.
Source: docs/doc-to-lora-spec.md, section 1.1.
"""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from engine.errors import ModelUnavailable
from engine.formats.hypernetwork_config import HypernetworkConfig

TakeStates = Callable[[int, Tensor], None]
"""Told the number of a state and the state itself, (C, S, D), while the encoder runs."""


class ContextEncoder:
    """The first layers of a decoder, whose states are handed out one by one while it runs.

    Handing them out instead of returning them keeps one state in memory at a time: for 8,192 tokens of Gemma
    2B all 26 would take 1 GB. And the layers are the model's own, not copies, so that a base model can be its
    own encoder. No adapter may be attached to it meanwhile.

    Args:
        model: bare decoder, or one with a language-model head (Gemma 2, Qwen 3, Mistral and their like).
        config: of the hypernetwork: which layers are read.

    Raises:
        ModelUnavailable: the model has too few layers, or another width than the hypernetwork reads.
    """

    def __init__(self, model: nn.Module, config: HypernetworkConfig) -> None:
        decoder = bare_decoder(model)
        n_layers = len(decoder_layers(decoder))
        self._n_run = _layers_to_run(config, n_layers)
        if not 0 <= self._n_run <= n_layers:
            raise _unfit(
                f"It reads the first {self._n_run} layers of an encoder that has {n_layers}.", config
            )
        if config.reads_each_layer and self._n_run != config.n_layers - 1:
            raise _unfit(
                f"It adapts {config.n_layers} layers and its encoder gives {self._n_run + 1} states.", config
            )
        embedding = decoder.get_input_embeddings().weight  # type: ignore[operator]
        self.vocabulary_size, width = embedding.shape
        if width != config.d_encoder:
            raise _unfit(
                f"It reads states of width {config.d_encoder}; the encoder's are {width} wide.", config
            )
        self._decoder = _cut(decoder, self._n_run)
        self.device = _device_of_layers(self._decoder)
        self._kind = config.encoder_kind
        self.n_states = config.n_states

    @torch.no_grad()
    def __call__(self, ids: Tensor, take: TakeStates) -> None:
        """Run the layers; ``take`` is called ``n_states`` times, in order.

        Args:
            ids: (C, S) right-padded. No mask is needed: padding comes after everything that could see it, and
                whoever reads the states leaves out those of the padding.
            take: gets each state while the layers after it are still to come; it must not change it.
        """
        n_inputs = {"per_layer": self._n_run, "early_exit": 0, "embeddings": 1}[self._kind]
        handles = [
            layer.register_forward_pre_hook(_taking(index, take), with_kwargs=True)
            for index, layer in enumerate(decoder_layers(self._decoder)[:n_inputs])
        ]
        try:
            output = self._decoder(input_ids=ids, use_cache=False)
        finally:
            for handle in handles:
                handle.remove()
        if self._kind != "embeddings":
            # transformers puts the model's final norm on the state after the last layer, whichever that is;
            # the hypernetworks were trained on exactly that.
            take(n_inputs, output.last_hidden_state)

    def features(self, ids: Tensor) -> Tensor:
        """All states at once: (C, S) -> (C, L, S, D), or (C, S, D) where all layers share one."""
        states: list[Tensor] = []
        self(ids, lambda _index, state: states.append(state))
        return torch.stack(states, dim=1) if self._kind == "per_layer" else states[0]


def bare_decoder(model: nn.Module) -> nn.Module:
    """The part of a transformers model that holds ``embed_tokens``, ``layers`` and ``norm``.

    Raises:
        ModelUnavailable: it has no such part.
    """
    found: Any = model
    for name in (
        "language_model",
        "model",
        "language_model",
    ):  # of models that see, then of those that only read
        found = getattr(found, name, found)
    if not isinstance(found, nn.Module) or not isinstance(getattr(found, "layers", None), nn.ModuleList):
        raise _unfit(f"{type(model).__name__} is not a decoder whose layers can be read.")
    return found


def decoder_layers(decoder: nn.Module) -> nn.ModuleList:
    """The blocks of a bare decoder."""
    layers = decoder.layers
    assert isinstance(layers, nn.ModuleList)
    return layers


def _layers_to_run(config: HypernetworkConfig, n_layers: int) -> int:
    match config.encoder_kind:
        case "per_layer":
            return (config.encoder_layer or n_layers) - 1
        case "early_exit":
            return config.encoder_layer or n_layers // 4
        case "embeddings":
            return 1


def _cut(decoder: nn.Module, n_layers: int) -> nn.Module:
    """A decoder that shares everything with ``decoder`` but ends after ``n_layers`` layers."""
    cut = copy.copy(decoder)
    # copy.copy shares the dictionary of submodules: replacing "layers" would cut the original, too.
    cut._modules = dict(decoder._modules)
    cut.layers = decoder_layers(decoder)[:n_layers]
    return cut


def _device_of_layers(decoder: nn.Module) -> torch.device:
    layers = decoder_layers(decoder)
    # Without layers (an early exit before the first) there is the norm.
    return next((layers if len(layers) else decoder).parameters()).device


def _taking(index: int, take: TakeStates) -> Callable[..., None]:
    def hook(_layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        take(index, args[0] if args else kwargs["hidden_states"])

    return hook


def _unfit(detail: str, config: HypernetworkConfig | None = None) -> ModelUnavailable:
    made_for = config.encoder_model or config.base_model if config is not None else ""
    reason = f"It was made for {made_for}. {detail}" if made_for else detail
    return ModelUnavailable("This hypernetwork does not fit this model.", reason)
