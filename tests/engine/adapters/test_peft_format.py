import json
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.adapters.peft_format import CONFIG_FILE, TENSORS_FILE, peft_files, write_peft
from engine.errors import InvalidAdapter
from engine.formats.lora import LoraFactors, concatenate
from tests.engine.adapters.adapters_at_random import random_factors

ALPHA = 2.5
N_LAYERS, D_MODEL, D_FFN = 2, 8, 12


# peft 0.21 asks transformers 5 for a name that version 6 will not have.
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
def test_a_model_that_peft_loads_the_folder_into_computes_what_the_factors_say(tmp_path: Path) -> None:
    import peft
    import transformers

    transformers.set_seed(0)
    shape = transformers.LlamaConfig(
        vocab_size=32,
        hidden_size=D_MODEL,
        intermediate_size=D_FFN,
        num_hidden_layers=N_LAYERS,
        num_attention_heads=2,
        num_key_value_heads=1,
    )
    model = transformers.LlamaForCausalLM(shape).train(False)
    tokens = torch.arange(9).reshape(1, 9)
    # A chunk and the bias block, of different ranks, as in an export.
    factors = concatenate([random_factors(1, rank=3), random_factors(2, rank=2)])
    write_peft(tmp_path / "adapter", peft_files(factors, ALPHA, base_model="toy"))
    with torch.no_grad():
        plain = model(tokens).logits.clone()
        adapted = peft.PeftModel.from_pretrained(model, str(tmp_path / "adapter")).train(False)
        by_peft = adapted(tokens).logits.clone()
        model = adapted.unload()
        for layer in range(N_LAYERS):
            delta = torch.from_numpy(factors.delta("down_proj", layer))
            model.model.layers[layer].mlp.down_proj.weight += ALPHA * delta
        by_hand = model(tokens).logits

    assert not torch.allclose(by_peft, plain, atol=1e-2)
    torch.testing.assert_close(by_peft, by_hand, rtol=1e-4, atol=1e-4)


def test_the_folder_is_laid_out_as_peft_documents_it() -> None:
    files = peft_files(random_factors(3, rank=3), ALPHA, base_model="some/base", metadata={"note": "Dentist"})

    config = json.loads(files[CONFIG_FILE])
    assert (config["r"], config["lora_alpha"], config["peft_type"]) == (3, 3 * ALPHA, "LORA")
    assert (config["base_model_name_or_path"], config["target_modules"]) == ("some/base", ["down_proj"])
    header_bytes = int.from_bytes(files[TENSORS_FILE][:8], "little")
    header = json.loads(files[TENSORS_FILE][8 : 8 + header_bytes])
    assert header.pop("__metadata__") == {"format": "pt", "note": "Dentist"}
    assert {name: entry["shape"] for name, entry in header.items()} == {
        f"base_model.model.model.layers.{layer}.mlp.down_proj.{factor}.weight": shape
        for layer in range(N_LAYERS)
        for factor, shape in (("lora_A", [3, D_FFN]), ("lora_B", [D_MODEL, 3]))
    }


def test_a_module_whose_place_is_unknown_is_refused() -> None:
    A = np.ones((1, 1, 2), np.float32)

    with pytest.raises(InvalidAdapter, match="retriever"):
        peft_files(LoraFactors({"retriever": (A, A)}), 1.0, base_model="toy")


def test_a_folder_is_an_adapter_only_when_it_is_whole(tmp_path: Path) -> None:
    files = peft_files(random_factors(4), ALPHA, base_model="toy")
    (tmp_path / TENSORS_FILE).mkdir()  # in the way

    with pytest.raises(OSError):  # noqa: PT011  its words are the system's
        write_peft(tmp_path, files)

    assert not (tmp_path / CONFIG_FILE).exists()
