"""The frame around a question: what the hypernetwork was trained with is what the model must be asked with.

Texts only: training and answering tokenise them each with their own tokenizer. Control tokens are recognised
in these texts alone, never in a note or a question.
"""

from collections.abc import Mapping
from dataclasses import dataclass

SYSTEM_TEXT = "Answer from the user's notes."
TURN_START = "<|im_start|>"
TURN_END = "<|im_end|>"
NEXT_TURN = f"{TURN_END}\n{TURN_START}"

SYSTEM_TURN = f"system\n{SYSTEM_TEXT}"
USER_ROLE = "user\n"
ASSISTANT_ROLE = "assistant\n"

ABSENT = "That is not in your notes."
"""What the embedded hypernetwork is trained to answer where no note does."""


@dataclass(frozen=True, slots=True)
class PromptFrame:
    """What stands around the user's text in a prompt.

    ``before`` and ``after`` are tokenised together with the user's text, so that the tokens at their borders
    are those of the whole; nothing in that piece becomes a control token.

    Attributes:
        opening, closing: pieces of the frame; the second value says whether control tokens are recognised.
        before, after: plain text right around the user's.
        before_question: plain text before the question where passages stand before it.
    """

    opening: tuple[tuple[str, bool], ...]
    before: str
    after: str
    closing: tuple[tuple[str, bool], ...]
    before_question: str = ""


@dataclass(frozen=True, slots=True)
class ChatForm:
    """How a model is asked that no hypernetwork is known for: in the form of its own chat template.

    Attributes:
        plain: around a question alone.
        quotes: around passages of notes and a question.
        turn_end: control token with which the model ends its turn, beside those that its file names; empty if
            its template has none.
    """

    plain: PromptFrame
    quotes: PromptFrame
    turn_end: str = ""


EMBEDDED = PromptFrame(
    opening=((TURN_START, True), (SYSTEM_TURN, False), (NEXT_TURN, True)),
    before=USER_ROLE,
    after="",
    closing=((NEXT_TURN, True), (ASSISTANT_ROLE, False)),
)

# The published checkpoints' evaluation form: an empty system message, in their own templates.
# Source: docs/doc-to-lora-spec.md, section 3.3.
_GEMMA = PromptFrame(
    opening=(("<bos><start_of_turn>", True),),
    before="user\n\n\n",
    after="",
    closing=(("<end_of_turn>\n<start_of_turn>", True), ("model\n", False)),
)
_QWEN = PromptFrame(
    opening=(("<|im_start|>", True), ("system\n", False), ("<|im_end|>\n<|im_start|>", True)),
    before="user\n",
    after="",
    closing=(("<|im_end|>\n<|im_start|>", True), ("assistant\n", False)),
)
# [INST] is no control token. llama.cpp puts the space before it itself, as sentencepiece does.
_MISTRAL = PromptFrame(opening=(("<s>", True),), before="[INST] \n\n", after=" [/INST] ", closing=())

_FRAMES: Mapping[str, PromptFrame] = {
    "google/gemma-2-2b-it": _GEMMA,
    "Qwen/Qwen3-4B-Instruct-2507": _QWEN,
    "mistralai/Mistral-7B-Instruct-v0.2": _MISTRAL,
}


def frame_for(base_model: str) -> PromptFrame:
    """The frame that a hypernetwork's answers are asked in.

    Args:
        base_model: name of the base model in the hypernetwork's config; empty for those that we train.
    """
    return _FRAMES.get(base_model, EMBEDDED)
