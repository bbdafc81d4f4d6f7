"""The words of a vocabulary that a chat template is written with."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TemplateTokens:
    """What a template's text becomes in the model's vocabulary.

    Attributes:
        bos, eos: text of the tokens that begin and end a text; empty if there is none.
        needs_bos: whether a prompt begins with ``bos``, also if the template does not write it.
        control: texts of all control tokens.
    """

    bos: str
    eos: str
    needs_bos: bool
    control: frozenset[str]
