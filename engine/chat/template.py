"""A model's own chat template -> the frames of its prompts.

The template comes with the model's file, from whoever made that: it is a program in Jinja, and nobody has
looked at it. It is rendered a few times only, when the file is taken in, in a process that ends afterwards,
in Jinja's sandbox, and never with a user's text in it: a mark stands for that, and what the template puts
around the mark is the frame. So nothing in a note or a question can become a control token.
"""

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NoReturn

from jinja2 import TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from engine.chat.template_tokens import TemplateTokens
from engine.errors import ModelUnavailable
from engine.prompt_frame import ChatForm, PromptFrame

INSTRUCTION = (
    "Answer the question from the passages of the user's notes. If they do not hold the answer, say so."
)
"""Where passages are before the model: the system's turn, or the user's if a template knows no system."""
BEFORE_PASSAGES = "Passages of my notes:\n\n"
BEFORE_QUESTION = "Question: "

_LONGEST_TEMPLATE = 200_000
_LONGEST_PROMPT = 20_000
"""Of a template around a mark; the longest known put some thousand characters there."""
_LARGEST_PRODUCT = 1_000_000
"""Characters, or the size of a number, that a template may multiply up to."""

Message = Mapping[str, str]


def read_form(template: str, tokens: TemplateTokens) -> ChatForm:
    """How a model with this template is asked.

    Args:
        template: ``tokenizer.chat_template`` of its file.
        tokens: of its vocabulary.

    Raises:
        ModelUnavailable: the template is broken, does what a template must not, or loses the question.
    """
    if not template.strip():
        raise _unusable("It is empty.")
    if len(template) > _LONGEST_TEMPLATE:
        raise _unusable(f"It has {len(template)} characters, and {_LONGEST_TEMPLATE} are the most.")
    rendering = _Rendering(template, tokens)
    mark = f"loreleaf{secrets.token_hex(8)}"
    plain = _frame(rendering.render([_user(mark)], mark), mark, tokens)
    quotes = _with_instruction(rendering, mark, tokens)
    quotes = replace(quotes, before=quotes.before + BEFORE_PASSAGES, before_question=BEFORE_QUESTION)
    return ChatForm(plain, quotes, _turn_end(rendering, mark, tokens))


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, in which nothing grows without bounds by a multiplication either."""

    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401  Jinja's own
        if operator == "**" or _size(left) * _size(right) > _LARGEST_PRODUCT:
            raise TemplateError(f"it multiplies too far: {operator}")
        return super().call_binop(context, operator, left, right)


def _size(value: object) -> float:
    if isinstance(value, int | float):
        return abs(value)
    return len(value) if isinstance(value, str | bytes | list | tuple) else 1


class _Rendering:
    """A template, compiled, with what templates of chat models expect around them."""

    def __init__(self, template: str, tokens: TemplateTokens) -> None:
        # As transformers and llama-cpp-python have it.
        environment = _Sandbox(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
        environment.globals["raise_exception"] = _refuse
        environment.globals["strftime_now"] = lambda form: datetime.now().astimezone().strftime(str(form))
        try:
            self._template = environment.from_string(template)
        except (TemplateError, RecursionError, ValueError) as exc:
            raise _unusable(_one_line(exc)) from exc
        self._tokens = tokens

    def render(self, messages: Sequence[Message], mark: str, *, asks: bool = True) -> str:
        """The prompt of a conversation.

        Args:
            messages: the conversation.
            mark: must occur in it once.
            asks: whether the model's answer is to follow.

        Raises:
            ModelUnavailable: the template fails, or what it makes cannot be a prompt.
        """
        try:
            pieces = self._template.generate(
                messages=[dict(message) for message in messages],
                add_generation_prompt=asks,
                bos_token=self._tokens.bos,
                eos_token=self._tokens.eos,
                enable_thinking=False,  # what is thought aloud is no answer, and takes its room
            )
            prompt = _joined(pieces, _LONGEST_PROMPT)
        except Exception as exc:  # a program of somebody else's: it may raise anything
            raise _unusable(_one_line(exc)) from exc
        if len(prompt) > _LONGEST_PROMPT:
            raise _unusable(f"It puts more than {_LONGEST_PROMPT} characters around a question.")
        if prompt.count(mark) != 1:
            raise _unusable(f"It writes a question {prompt.count(mark)} times, and not once.")
        return prompt


def _joined(pieces: Iterable[str], n_most: int) -> str:
    """The pieces as one text; cut off when it is longer than ``n_most``, for they may never end."""
    text = ""
    for piece in pieces:
        text += piece
        if len(text) > n_most:
            break
    return text


def _with_instruction(rendering: _Rendering, mark: str, tokens: TemplateTokens) -> PromptFrame:
    """The frame with the instruction in the system's turn, or in the user's where there is no other."""
    try:
        prompt = rendering.render([{"role": "system", "content": INSTRUCTION}, _user(mark)], mark)
    except ModelUnavailable:  # Gemma's template, for one, raises an exception then
        prompt = ""
    if INSTRUCTION not in prompt.partition(mark)[0]:
        prompt = rendering.render([_user(f"{INSTRUCTION}\n\n{mark}")], mark)
    return _frame(prompt, mark, tokens)


def _turn_end(rendering: _Rendering, mark: str, tokens: TemplateTokens) -> str:
    """The control token that the template writes after the model's turn."""
    messages = [_user("?"), {"role": "assistant", "content": mark}]
    try:
        after = rendering.render(messages, mark, asks=False).partition(mark)[2]
    except ModelUnavailable:  # a template for one turn only
        return ""
    found = _control(tokens).search(after)
    return found[0] if found is not None else ""


def _frame(prompt: str, mark: str, tokens: TemplateTokens) -> PromptFrame:
    """What stands around the mark; plain text right beside it goes with the user's, as one piece of text."""
    before, _, after = prompt.partition(mark)
    control = _control(tokens)
    last = max((found.end() for found in control.finditer(before)), default=0)
    first = control.search(after)
    next_control = first.start() if first is not None else len(after)
    opening = before[:last]
    if tokens.needs_bos and tokens.bos and not opening.startswith(tokens.bos):
        opening = tokens.bos + opening
    return PromptFrame(
        opening=((opening, True),) if opening else (),
        before=before[last:],
        after=after[:next_control],
        closing=((after[next_control:], True),) if after[next_control:] else (),
    )


def _control(tokens: TemplateTokens) -> re.Pattern[str]:
    longest_first = sorted(filter(None, tokens.control), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or "(?!)")


def _user(text: str) -> Message:
    return {"role": "user", "content": text}


def _refuse(message: object) -> NoReturn:
    raise TemplateError(str(message))


def _one_line(exc: Exception) -> str:
    words = " ".join(f"{type(exc).__name__}: {exc}".split())
    return f"{words[:200].rstrip('.')}."


def _unusable(reason: str) -> ModelUnavailable:
    return ModelUnavailable(
        "This model's chat template cannot be used.",
        f"{reason} It says how the model is asked; take another file of the model, with another template.",
    )
