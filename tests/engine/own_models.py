"""Model files as users have them: tiny, at random, of several kinds, whole and broken."""

from pathlib import Path

import gguf
import numpy as np

from tests.engine.tiny_bases import random_base, write_base
from tests.engine.tiny_llama import (
    SPECIAL_TOKENS,
    TinySize,
    gguf_tensors,
    random_llama,
    vocabulary,
    write_gguf,
)

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role + '\\n' + message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
SIZE = TinySize()


def chat_gguf(path: Path, template: str = CHATML, *, scale: float = 1.0, **more: str | int) -> Path:
    """A Llama that chats.

    Args:
        path: where it is written.
        template: its chat template; empty for none.
        scale: factor on a matrix of each layer; NaN damages the model.
        more: further entries of its header, with "__" for ".".
    """
    tensors = gguf_tensors(random_llama(SIZE), SIZE)
    tensors = {name: a * np.float32(scale) if "ffn_down" in name else a for name, a in tensors.items()}
    values: dict[str, str | int] = {"llama.context_length": 512, "tokenizer.ggml.eos_token_id": 2}
    values |= {"tokenizer.chat_template": template} if template else {}
    return write_gguf(path, SIZE, tensors, values=values | {k.replace("__", "."): v for k, v in more.items()})


def chat_gguf_of_another_architecture(path: Path) -> Path:
    """A Qwen 3 that chats."""
    return with_template(write_base(path, "qwen3", random_base("qwen3")), CHATML)


def with_template(path: Path, template: str) -> Path:
    """Write a chat template into a GGUF file that has none."""
    reader = gguf.GGUFReader(path)
    copy = path.with_suffix(".new")
    architecture = str(reader.fields["general.architecture"].contents())
    writer = gguf.GGUFWriter(copy, architecture)
    for key, field in reader.fields.items():
        if not key.startswith("GGUF.") and key != "general.architecture":
            kind, *item_kind = field.types
            writer.add_key_value(key, field.contents(), kind, item_kind[0] if item_kind else None)
    writer.add_string("tokenizer.chat_template", template)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, np.array(tensor.data))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    copy.replace(path)
    return path


def gguf_that_ends_llama_cpp(path: Path) -> Path:
    """A vocabulary without bytes: at a word that it lacks, llama.cpp throws where nothing catches it."""
    words = ["<unk>", "<s>", "</s>", *(f"t{i}" for i in range(len(vocabulary()) - len(SPECIAL_TOKENS)))]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(SIZE.n_layers)
    writer.add_context_length(512)
    writer.add_embedding_length(SIZE.d_model)
    writer.add_feed_forward_length(SIZE.d_ffn)
    writer.add_head_count(SIZE.n_heads)
    writer.add_head_count_kv(SIZE.n_kv_heads)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(words)
    writer.add_token_scores([0.0] * len(words))
    writer.add_token_types([2, 3, 3, *[1] * (len(words) - 3)])
    writer.add_string(
        "tokenizer.chat_template", "{% for m in messages %}[INST] {{ m.content }} [/INST]{% endfor %}"
    )
    for name, values in gguf_tensors(random_llama(SIZE), SIZE).items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
