"""From files to a DocToLora: the published checkpoints, or folders they were converted to.

Imports transformers, which takes seconds; the package's ``load_checkpoint`` imports this when it is called.
"""

import copy
import importlib.util
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoTokenizer

from engine.errors import ModelUnavailable
from engine.formats.hypernetwork_config import CONFIG_FILE, HypernetworkConfig
from engine.hypernetwork import blocked_attention
from engine.hypernetwork.checkpoint import CHECKPOINT_FILE, read_checkpoint
from engine.hypernetwork.context_encoder import ContextEncoder, bare_decoder
from engine.hypernetwork.doc_to_lora import DocToLora
from engine.hypernetwork.hypernetwork import Hypernetwork
from engine.hypernetwork.internalizer import load_hypernetwork
from engine.hypernetwork.on_cuda import fit_encoder, fit_perceiver
from engine.hypernetwork.placement import faster_cpu_dtype
from engine.hypernetwork.templates import Template, template_for

logger = logging.getLogger(__name__)
_SHOWN_CHARS = 1000
transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # a worker's stderr is its log


def load_checkpoint(
    path: str | Path,
    base_model: str | Path | nn.Module | None = None,
    *,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
    encoder_model: str | Path | nn.Module | None = None,
    tokenizer: Any = None,  # noqa: ANN401  # transformers' tokenizers have no common typed class
    base_tokenizer: Any = None,  # noqa: ANN401  # as above
    quantize_encoder: bool | None = None,
    on_notice: Callable[[str], None] = logger.warning,
) -> DocToLora:
    """Load a Doc-to-LoRA hypernetwork with the models it belongs to.

    Args:
        path: ``pytorch_model.bin`` of SakanaAI/doc-to-lora or the folder it is in, or a folder that
            ``convert_checkpoint`` wrote. Nothing in it is executed.
        base_model: folder (or name in transformers' cache) of the base model, or the model itself, loaded
            with its language-model head. None makes adapters without a model to carry them;
            ``encoder_model`` must then be given.
        device: of everything that is loaded here: "cpu", "cuda", "cuda:1", "mps".
        dtype: of the models that are loaded here. The hypernetwork computes in float32; on CUDA its
            perceiver multiplies in bfloat16, as in training.
        encoder_model: the context encoder, if it is not the base model itself. A checkpoint that was trained
            with another encoder names it; give its folder here.
        tokenizer: of the encoder; None loads the one in the encoder's folder.
        base_tokenizer: of a base model that is not the encoder; None loads the one in its folder when a
            question is asked.
        quantize_encoder: load the encoder in 4 bits (NF4, CUDA and bitsandbytes). None: as in training, if
            that is possible here. It takes a copy of the encoder beside the base model.
        on_notice: told in a sentence whatever happens otherwise than was asked for.

    Raises:
        ModelUnavailable: a file is missing or damaged, could run programs, has an option that is not
            supported, or the models do not fit the hypernetwork.
    """
    device = torch.device(device)
    hypernetwork = read_hypernetwork(Path(path)).to(device)
    if device.type == "cuda":
        fit_perceiver(hypernetwork)
    config = hypernetwork.config
    encoder_source = base_model if encoder_model is None else encoder_model
    if encoder_source is None:
        msg = "give base_model, encoder_model, or both"
        raise ValueError(msg)
    if encoder_model is None and config.encoder_model:
        raise ModelUnavailable(
            "This hypernetwork reads notes with another model.",
            f"It was trained with the encoder {config.encoder_model}. Give its folder as encoder_model.",
        )
    base = None if base_model is None else _load(base_model, AutoModelForCausalLM, device, dtype)
    is_ours = not isinstance(encoder_source, nn.Module)
    in_nf4 = _can_quantize(quantize_encoder, config, device, on_notice, is_loaded=not is_ours)
    if encoder_model is None and not in_nf4:
        encoder_module = base  # its own encoder: no second copy
    else:
        encoder_module = _load(encoder_source, AutoModel, device, dtype, in_nf4=in_nf4)
        if device.type == "cuda" and is_ours:
            fit_encoder(bare_decoder(encoder_module), device)
    assert encoder_module is not None
    tokenizer = tokenizer or _tokenizer(encoder_source, encoder_module)
    # The affixes are token ids: they must be those of the model that reads them.
    template = _template(config.encoder_model or config.base_model, encoder_module, tokenizer)

    def encoder_on_cpu() -> ContextEncoder:
        return ContextEncoder(_on_cpu(encoder_source), config)

    def base_prompt() -> tuple[Any, Template]:
        assert base is not None
        assert base_model is not None
        of_base = base_tokenizer or _tokenizer(base_model, base)
        return of_base, _template(config.base_model, base, of_base)

    encoder = ContextEncoder(encoder_module, config)
    has_other_base = base is not None and encoder_model is not None
    return DocToLora(
        hypernetwork,
        encoder,
        base,
        tokenizer,
        template,
        encoder_on_cpu,
        on_notice,
        base_prompt if has_other_base else None,
    )


def read_hypernetwork(path: Path) -> Hypernetwork:
    """A hypernetwork alone, in float32 on the CPU, every tensor accounted for.

    Args:
        path: as in ``load_checkpoint``.

    Raises:
        ModelUnavailable: the file is missing or damaged, could run programs, or cannot be used.
    """
    if path.is_dir() and (path / CONFIG_FILE).is_file() and not (path / CHECKPOINT_FILE).is_file():
        return load_hypernetwork(path)
    checkpoint = read_checkpoint(path / CHECKPOINT_FILE if path.is_dir() else path)
    with torch.device("meta"):  # the initial values are not wanted
        hypernetwork = Hypernetwork(checkpoint.config)
    hypernetwork.load_state_dict(checkpoint.tensors, assign=True)
    return hypernetwork.float().eval().requires_grad_(requires_grad=False)


def _load(
    source: str | Path | nn.Module,
    auto: Any,  # noqa: ANN401  # transformers' factories are untyped
    device: torch.device,
    dtype: torch.dtype,
    *,
    in_nf4: bool = False,
) -> nn.Module:
    """A transformers model in evaluation mode, from a folder or a name, or the model that was given."""
    if isinstance(source, nn.Module):
        return source.eval()
    try:
        config = AutoConfig.from_pretrained(source)
        options: dict[str, Any] = {"dtype": dtype, "attn_implementation": _attention(config)}
        if in_nf4:
            options |= {"quantization_config": _nf4(), "device_map": {"": device}}
        model: nn.Module = auto.from_pretrained(source, **options)
    except MemoryError:
        raise
    except Exception as exc:  # transformers, tokenizers and safetensors have no common error for damage
        raise _damaged("This model cannot be loaded.", source, exc) from exc
    return (model if in_nf4 else model.to(device)).eval().requires_grad_(requires_grad=False)


def _on_cpu(source: str | Path | nn.Module) -> nn.Module:
    cpu, dtype = torch.device("cpu"), faster_cpu_dtype()
    if isinstance(source, nn.Module):
        # A copy: the model may be the base, which goes on answering where it is.
        return copy.deepcopy(bare_decoder(source)).to(cpu, dtype)
    return _load(source, AutoModel, cpu, dtype)


def _attention(config: Any) -> str:  # noqa: ANN401  # transformers' configs have no common typed class
    """sdpa is fast everywhere, but knows no soft cap: it would silently leave Gemma 2's out."""
    has_softcap = getattr(config.get_text_config(), "attn_logit_softcapping", None) is not None
    return blocked_attention.NAME if has_softcap else "sdpa"


def _nf4() -> Any:  # noqa: ANN401  # transformers' class is untyped
    """As the reference quantises its context encoder."""
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )


def _can_quantize(
    wanted: bool | None,
    config: HypernetworkConfig,
    device: torch.device,
    on_notice: Callable[[str], None],
    *,
    is_loaded: bool,
) -> bool:
    if wanted is False or (wanted is None and not config.encoder_in_nf4):
        return False
    obstacle = ""
    if device.type != "cuda":
        obstacle = f"4-bit encoders run on CUDA only, not on {device.type}"
    elif is_loaded:
        obstacle = "it was given as a model, which is loaded already"
    elif importlib.util.find_spec("bitsandbytes") is None:
        obstacle = "bitsandbytes is not installed"
    if not obstacle:
        return True
    if wanted:
        raise ModelUnavailable("The encoder cannot be loaded in 4 bits.", f"{obstacle}.")
    on_notice(f"The encoder was 4-bit in training and is not here: {obstacle}. Numbers differ a little.")
    return False


def _tokenizer(source: str | Path | nn.Module, model: nn.Module) -> Any:  # noqa: ANN401
    folder = model.config.name_or_path if isinstance(source, nn.Module) else source  # type: ignore[union-attr]
    try:
        return AutoTokenizer.from_pretrained(folder)
    except Exception as exc:  # as above: tokenizers raises Exception itself
        raise _damaged("This model's tokenizer cannot be loaded.", folder, exc) from exc


def _damaged(title: str, source: object, exc: Exception) -> ModelUnavailable:
    return ModelUnavailable(title, f"{source}: {type(exc).__name__}: {str(exc)[:_SHOWN_CHARS]}")


def _template(name: str, model: nn.Module, tokenizer: Any) -> Template:  # noqa: ANN401
    """The template of a model by its published name, or else the one that its tokenizer renders."""
    model_type = str(model.config.get_text_config().model_type)  # type: ignore[union-attr, operator]
    known = template_for(name, model_type)
    if known is not None:
        return known
    mark = "\N{SYMBOL FOR UNIT SEPARATOR}"
    messages = [{"role": "system", "content": ""}, {"role": "user", "content": mark}]
    rendered = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    before, _, after = rendered.partition(mark)
    return Template(before, after)
