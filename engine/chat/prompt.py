"""The prompt of a question: the very tokens the hypernetwork was trained with.

No chat template is rendered with a user's text in it: it could not tell its control tokens from the same
words in that text. Here control tokens come from the frame alone; ``engine.chat.template`` makes one of a
template.
"""

from collections.abc import Sequence

from engine.chat.runtime import QuestionTooLong
from engine.chat.tokenizer import Tokenizer
from engine.prompt_frame import EMBEDDED, PromptFrame

MIN_ANSWER_TOKENS = 32
"""A prompt that leaves less room is refused: an answer cut after a few words helps nobody."""
_MAX_BYTES_PER_TOKEN = 128
"""No question with more bytes than this per token of the window is tokenised at all."""


def build_prompt(
    tokenizer: Tokenizer,
    question: str,
    quotes: Sequence[str],
    *,
    n_ctx: int,
    frame: PromptFrame = EMBEDDED,
) -> list[int]:
    """Tokens of the prompt, up to where the answer begins.

    Args:
        tokenizer: of the base model.
        question: the user's words; outer white space is dropped.
        quotes: passages to put before the question, best first. Those that do not fit are left out, the worst
            first. Empty in the modes without quotes.
        n_ctx: the model's window.
        frame: that of the hypernetwork in use.

    Raises:
        QuestionTooLong: the question alone does not fit.
    """
    limit = n_ctx - MIN_ANSWER_TOKENS
    question = question.strip()
    n_bytes = len(question.encode("utf-8", errors="replace"))
    if n_bytes > n_ctx * _MAX_BYTES_PER_TOKEN:
        raise _too_long(f"It has {n_bytes} bytes", limit)
    for n_quotes in range(len(quotes), -1, -1):
        passages = [quote.strip() for quote in quotes[:n_quotes]]
        if sum(map(len, passages)) > n_ctx * _MAX_BYTES_PER_TOKEN:
            continue
        asked = f"{frame.before_question}{question}" if passages else question
        tokens = _prompt(tokenizer, "\n\n".join([*passages, asked]), frame)
        if len(tokens) <= limit:
            return tokens
    raise _too_long(f"It has {len(tokens)} tokens with its frame", limit)


def _prompt(tokenizer: Tokenizer, user_text: str, frame: PromptFrame) -> list[int]:
    pieces = [*frame.opening, (f"{frame.before}{user_text}{frame.after}", False), *frame.closing]
    return [token for text, control in pieces for token in tokenizer.tokenize(text, parse_special=control)]


def _too_long(size: str, limit: int) -> QuestionTooLong:
    return QuestionTooLong("The question is too long.", f"{size}; at most {limit} tokens fit. Shorten it.")
