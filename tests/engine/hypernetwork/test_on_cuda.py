"""What is changed of an encoder for CUDA gives the same numbers; here on the CPU, in tests/gpu on a GPU."""

import copy

import torch
from transformers import Gemma2Config, Gemma2Model

from engine.hypernetwork.on_cuda import FusedGemmaNorm, HostEmbedding, fit_encoder, fit_perceiver
from tests.engine.hypernetwork.reference_checkpoints import random_hypernetwork
from tests.engine.hypernetwork.test_doc_to_lora import CONFIG

CPU = torch.device("cpu")


def decoder() -> Gemma2Model:
    torch.manual_seed(0)
    config = Gemma2Config(
        vocab_size=97,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        query_pre_attn_scalar=8,
    )
    made = Gemma2Model(config)
    made.requires_grad_(requires_grad=False)
    for parameter in made.parameters():  # norms too: their weights are zeros at first
        parameter.add_(torch.randn_like(parameter) * 0.1)
    return made


def test_a_fitted_decoder_gives_the_same_states() -> None:
    ids = torch.randint(1, 97, (2, 19))
    original = decoder()
    fitted = copy.deepcopy(original)
    fit_encoder(fitted, CPU)
    assert isinstance(fitted.get_input_embeddings(), HostEmbedding)
    norms = [module for module in fitted.modules() if isinstance(module, FusedGemmaNorm)]
    assert len(norms) == 4 * 3 + 1
    expected = original(ids, use_cache=False).last_hidden_state
    torch.testing.assert_close(fitted(ids, use_cache=False).last_hidden_state, expected, atol=1e-5, rtol=1e-5)


def test_rows_are_looked_up_and_scaled_in_the_models_own_type() -> None:
    embedding = decoder().bfloat16().get_input_embeddings()
    ids = torch.tensor([[0, 5, 5], [96, 1, 2]])
    found = HostEmbedding(embedding, CPU)(ids)
    assert found.dtype == torch.bfloat16
    assert torch.equal(found, embedding(ids))


def test_the_perceivers_matrices_are_rounded_and_nothing_else_is() -> None:
    hypernetwork = random_hypernetwork(CONFIG)
    fit_perceiver(hypernetwork)
    in_bfloat16 = {name for name, p in hypernetwork.named_parameters() if p.dtype == torch.bfloat16}
    assert all("proj" in name and "perceiver" in name for name in in_bfloat16)
    assert "aggregator.perceiver.modality_projection.gate_proj.weight" in in_bfloat16
    assert hypernetwork.head["weight"].dtype == torch.float32
