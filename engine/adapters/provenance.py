"""What an exported adapter or a merged model says about itself: for programs, and for people."""

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from engine.adapters.messages import AdapterSet, SetMember
from engine.formats.foreign_json import parse_json
from engine.formats.hypernetwork_config import HypernetworkConfig
from engine.prompt_frame import EMBEDDED, SYSTEM_TEXT, PromptFrame, frame_for

EMBEDDED_HUB_NAME = "HuggingFaceTB/SmolLM2-135M-Instruct"
"""The embedded base model on the Hugging Face hub, where users of PEFT find it."""

NOTES = "loreleaf.notes"
BASE_NAME = "loreleaf.base_model"
BASE_HASH = "loreleaf.base_model_sha256"
HYPERNETWORK_HASH = "loreleaf.hypernetwork_sha256"
BIAS_RANKS = "loreleaf.bias_ranks"
"""Keys in the metadata of safetensors and GGUF files; docs/exchange.md says what their values are."""

MERGED = "loreleaf.merged"
MAX_TITLE_CHARS = 200
_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
"""Invisible, but a part of how Persian, Hindi and emoji are spelt."""

_MARKDOWN = str.maketrans({char: f"\\{char}" for char in "\\`*_{}[]<>#|"} | {"\n": " ", "\r": " "})


@dataclass(frozen=True)
class Provenance:
    """Where a set comes from.

    Attributes:
        adapter_set: what is exported or merged.
        base_name: of the base model on the Hugging Face hub.
        frame: what questions stand in.
    """

    adapter_set: AdapterSet
    base_name: str
    frame: PromptFrame

    @classmethod
    def of(cls, adapter_set: AdapterSet, config: HypernetworkConfig) -> Self:
        """By the hypernetwork's config: it names the base models that are published."""
        return cls(adapter_set, config.base_model or EMBEDDED_HUB_NAME, frame_for(config.base_model))

    def facts(self, bias_ranks: Mapping[str, int] | None = None) -> dict[str, str]:
        """The metadata.

        Args:
            bias_ranks: module -> how many of its last ranks are the hypernetwork's bias block, if they can be
                told apart.
        """
        notes = [_as_json(member) for member in self.adapter_set.members]
        facts = {
            NOTES: json.dumps(notes, ensure_ascii=False),
            BASE_NAME: self.base_name,
            BASE_HASH: self.adapter_set.base_hash,
            HYPERNETWORK_HASH: self.adapter_set.hypernetwork_hash,
        }
        return facts | ({BIAS_RANKS: json.dumps(dict(bias_ranks))} if bias_ranks else {})

    def adapter_card(self, rank: int) -> str:
        """The README.md of a PEFT folder, as the Hugging Face hub reads it."""
        return f"""---
base_model: {json.dumps(self.base_name)}
library_name: peft
pipeline_tag: text-generation
tags:
- lora
- loreleaf
---

# {_plain(self.adapter_set.title)}

A LoRA adapter of rank {rank} that knows what these notes say. It holds their content in another form: treat
it like the notes themselves.

{self._tables()}

## Use

```python
from peft import PeftModel
from transformers import AutoModelForCausalLM

base = AutoModelForCausalLM.from_pretrained({json.dumps(self.base_name)})
model = PeftModel.from_pretrained(base, "path of this folder")
```

{self._advice()}Loreleaf takes the folder back with `loreleaf import`.
"""

    def merged_card(self) -> str:
        """The README.md of a folder with a merged model."""
        return f"""---
base_model: {json.dumps(self.base_name)}
base_model_relation: merge
library_name: transformers
pipeline_tag: text-generation
tags:
- loreleaf
---

# {_plain(self.adapter_set.title)}

{self.base_name} with what these notes say added to its weights. It holds their content in another form: treat
it like the notes themselves. The licence of the base model holds for it, too.

{self._tables()}

{self._advice()}"""

    def _tables(self) -> str:
        rows = [
            f"| {_plain(member.title)} | {'imported adapter' if member.is_imported else 'note'} "
            f"| `{member.sha256}` |"
            for member in self.adapter_set.members
        ]
        made_of = "\n".join(["| Made of | | SHA-256 |", "|---|---|---|", *rows])
        return f"""{made_of}

| Made with | SHA-256 |
|---|---|
| base model {self.base_name} (GGUF, float16) | `{self.adapter_set.base_hash}` |
| hypernetwork | `{self.adapter_set.hypernetwork_hash}` |

Made by Loreleaf."""

    def _advice(self) -> str:
        if self.frame != EMBEDDED:
            return ""
        return f"Ask with the system message “{SYSTEM_TEXT}”: the notes were learnt for it.\n\n"


def read_bias_ranks(facts: Mapping[str, object]) -> dict[str, int]:
    """What ``facts_of`` was given; empty for files that other programs wrote.

    Raises:
        ValueError: it is no such text.
    """
    if BIAS_RANKS not in facts:
        return {}
    text = str(facts[BIAS_RANKS])
    ranks = parse_json(text)
    if not isinstance(ranks, dict) or not all(type(rank) is int for rank in ranks.values()):
        raise ValueError(f"{BIAS_RANKS} is {text[:200]!r}")
    return ranks


def read_title(facts: Mapping[str, object]) -> str:
    """What an adapter calls itself: its name, or the notes it was made of; empty if it does not say."""
    name = facts.get("general.name")
    if isinstance(name, str) and (title := tidy_title(name)):
        return title
    titles = [tidy_title(note.title) for note in read_notes(facts)]
    return f"{titles[0]} and {len(titles) - 1} more" if len(titles) > 1 else "".join(titles)


def read_notes(facts: Mapping[str, object]) -> tuple[SetMember, ...]:
    """What the metadata say an adapter was made of; empty if they do not say."""
    try:
        notes = parse_json(str(facts.get(NOTES, "[]")))
        return tuple(SetMember(str(note["title"]), str(note["sha256"]), "kind" in note) for note in notes)
    except (ValueError, TypeError, KeyError):
        return ()


def tidy_title(text: str) -> str:
    """A title from a file: one line of at most 200 characters, none of which steers how others are shown."""
    shown = "".join(map(_shown, text[: 4 * MAX_TITLE_CHARS]))
    return " ".join(shown.split())[:MAX_TITLE_CHARS].rstrip()


def _shown(char: str) -> str:
    if char in _JOINERS:
        return char
    match unicodedata.category(char):
        case "Cc" | "Zl" | "Zp":
            return " "
        case "Cf" | "Cs":  # bidirectional controls, tags and the like; halves of surrogate pairs
            return ""
    return char


def _as_json(member: SetMember) -> dict[str, str]:
    kind = {"kind": "imported adapter"} if member.is_imported else {}
    return {"title": member.title, "sha256": member.sha256, **kind}


def _plain(title: str) -> str:
    """A title that Markdown shows as it is."""
    return title.translate(_MARKDOWN)
