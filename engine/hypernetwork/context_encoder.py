"""States of a transformers model for the hypernetwork: the published bases' context encoder.

The embedded base has its own (engine.models.llama), which needs no transformers.
Source: spec section 1.1, ``per_layer_activations``.
"""

import torch
from torch import Tensor, nn


class ContextEncoder:
    """The bare decoder without its last layer.

    Dropping the layer makes transformers put the final norm on the last of the returned states; the
    hypernetworks were trained on exactly that.

    Args:
        model: bare decoder (Gemma2Model, Qwen3Model, MistralModel). It is cut in place, so pass a
            model of its own.
        n_layers: L, layers of the base model that get an adapter.
    """

    def __init__(self, model: nn.Module, n_layers: int) -> None:
        layers = model.get_submodule("layers")
        assert isinstance(layers, nn.ModuleList)
        if len(layers) < n_layers - 1:
            msg = f"the encoder has {len(layers)} layers, needed are at least {n_layers - 1}"
            raise ValueError(msg)
        model.layers = layers[: n_layers - 1]
        self._model = model.eval()

    @torch.inference_mode()
    def __call__(self, ids: Tensor, mask: Tensor) -> Tensor:
        """(C, S) ids and mask (1 for real tokens) -> (C, L, S, D)"""
        output = self._model(
            input_ids=ids, attention_mask=mask, output_hidden_states=True, use_cache=False, return_dict=True
        )
        return torch.stack(output.hidden_states, dim=1)
