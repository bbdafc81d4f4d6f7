"""How a document is wrapped and cut for the context encoder of the published bases.

Source: docs/doc-to-lora-spec.md, sections 3.1 and 3.2; SakanaAI/doc-to-lora overrides the chat template of
each base.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Protocol


class Tokenizer(Protocol):
    """What is needed of a transformers tokenizer."""

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        """Token ids; special tokens in the text become themselves."""
        ...


@dataclass(frozen=True, slots=True)
class Template:
    """A user's turn with an empty system message and the beginning of the answer, as text.

    Attributes:
        before, after: around the document, or around a question.
        prefix, suffix: token ids between chunks; None where they are those of ``before`` and ``after``.
    """

    before: str
    after: str
    prefix: tuple[int, ...] | None = None
    suffix: tuple[int, ...] | None = None

    def ids(self, text: str, tokenizer: Tokenizer) -> list[int]:
        """Token ids of a document or a question; blank space around it is dropped."""
        return tokenizer.encode(f"{self.before}{text.strip()}{self.after}", add_special_tokens=False)

    def affixes(self, tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
        """Token ids that begin and end a chunk inside a document."""
        prefix = self.prefix or tokenizer.encode(self.before, add_special_tokens=False)
        suffix = self.suffix or tokenizer.encode(self.after, add_special_tokens=False)
        return list(prefix), list(suffix)


GEMMA = Template(
    # The empty system message stands before the document, with a blank line of its own.
    before="<bos><start_of_turn>user\n\n\n",
    after="<end_of_turn>\n<start_of_turn>model\n",
)
QWEN = Template(
    before="<|im_start|>system\n<|im_end|>\n<|im_start|>user\n",
    after="<|im_end|>\n<|im_start|>assistant\n",
)
MISTRAL = Template(before="<s> [INST] \n\n", after=" [/INST] ")

BY_FAMILY: Mapping[str, Template] = {"gemma2": GEMMA, "qwen3": QWEN, "mistral": MISTRAL}
"""transformers' model types -> template."""

PUBLISHED: Mapping[str, Template] = {
    "google/gemma-2-2b-it": Template(
        GEMMA.before, GEMMA.after, (2, 106, 1645, 110), (107, 108, 106, 2516, 108)
    ),
    "Qwen/Qwen3-4B-Instruct-2507": Template(
        QWEN.before,
        QWEN.after,
        (151644, 8948, 198, 151645, 198, 151644, 872, 198),
        (151645, 198, 151644, 77091, 198),
    ),
    # Its suffix lacks the space that ends the template: inner chunks end otherwise than the last one.
    "mistralai/Mistral-7B-Instruct-v0.2": Template(
        MISTRAL.before, MISTRAL.after, (1, 733, 16289, 28793, 28705, 13, 13), (733, 28748, 16289, 28793)
    ),
}
"""The bases of the published checkpoints, with the affixes that the reference writes as numbers."""


def template_for(base_model: str, model_type: str) -> Template | None:
    """The template of a base model.

    Args:
        base_model: its name on the hub.
        model_type: transformers' name of its architecture, e.g. "gemma2".

    Returns:
        None for a model of another family: it keeps its own chat template.
    """
    return PUBLISHED.get(base_model) or BY_FAMILY.get(model_type)


def split(
    ids: Sequence[int], max_tokens: int, prefix: Sequence[int], suffix: Sequence[int]
) -> list[list[int]]:
    """Cut a templated document into chunks of equal size.

    Args:
        ids: of the whole document, template included.
        max_tokens: longest chunk before the affixes are added; 0 or less for one chunk.
        prefix, suffix: wrapped around the inner borders.

    Returns:
        One chunk, unchanged, if it fits; else ``ceil(len(ids) / max_tokens)`` chunks, each at most
        ``max_tokens + len(prefix) + len(suffix)`` long.
    """
    n_chunks = ceil(len(ids) / max_tokens) if max_tokens > 0 else 1
    if n_chunks <= 1:
        return [list(ids)]
    step = ceil(len(ids) / n_chunks)
    pieces = [list(ids[start : start + step]) for start in range(0, len(ids), step)]
    last = len(pieces) - 1
    return [
        [*(prefix if index > 0 else ()), *piece, *(suffix if index < last else ())]
        for index, piece in enumerate(pieces)
    ]
