"""What an exported adapter or a merged model says about itself: for programs, and for people."""

import json
from collections.abc import Mapping

from engine.adapters.messages import AdapterSet, SetMember

NOTES = "loreleaf.notes"
BASE_NAME = "loreleaf.base_model"
BASE_HASH = "loreleaf.base_model_sha256"
HYPERNETWORK_HASH = "loreleaf.hypernetwork_sha256"
BIAS_RANKS = "loreleaf.bias_ranks"
"""Keys in the metadata of safetensors and GGUF files; docs/exchange.md says what their values are."""

MERGED = "loreleaf.merged"

_MARKDOWN = str.maketrans({char: f"\\{char}" for char in "\\`*_{}[]<>#|"} | {"\n": " ", "\r": " "})


def facts_of(adapter_set: AdapterSet, bias_ranks: Mapping[str, int] | None = None) -> dict[str, str]:
    """The metadata.

    Args:
        adapter_set: what was exported or merged.
        bias_ranks: module -> how many of its last ranks are the hypernetwork's bias block, if they can be
            told apart.
    """
    notes = [_as_json(member) for member in adapter_set.members]
    facts = {
        NOTES: json.dumps(notes, ensure_ascii=False),
        BASE_NAME: adapter_set.base_name,
        BASE_HASH: adapter_set.base_hash,
        HYPERNETWORK_HASH: adapter_set.hypernetwork_hash,
    }
    return facts | ({BIAS_RANKS: json.dumps(dict(bias_ranks))} if bias_ranks else {})


def read_bias_ranks(facts: Mapping[str, object]) -> dict[str, int]:
    """What ``facts_of`` was given; empty for files that other programs wrote.

    Raises:
        ValueError: it is no such text.
    """
    if BIAS_RANKS not in facts:
        return {}
    ranks = json.loads(str(facts[BIAS_RANKS]))
    if not isinstance(ranks, dict) or not all(isinstance(rank, int) for rank in ranks.values()):
        raise ValueError(f"{BIAS_RANKS} is {facts[BIAS_RANKS]!r}")
    return ranks


def read_title(facts: Mapping[str, object]) -> str:
    """What an adapter calls itself: its name, or the notes it was made of; empty if it does not say."""
    if name := str(facts.get("general.name", "")).strip():
        return name
    try:
        titles = [str(note["title"]) for note in json.loads(str(facts.get(NOTES, "[]")))]
    except (ValueError, TypeError, KeyError):
        return ""
    return f"{titles[0]} and {len(titles) - 1} more" if len(titles) > 1 else "".join(titles)


def adapter_card(adapter_set: AdapterSet, rank: int) -> str:
    """The README.md of a PEFT folder, as the Hugging Face hub reads it."""
    return f"""---
base_model: {json.dumps(adapter_set.base_name)}
library_name: peft
pipeline_tag: text-generation
tags:
- lora
- loreleaf
---

# {adapter_set.title.translate(_MARKDOWN)}

A LoRA adapter of rank {rank} that knows what these notes say. It holds their content in another form: treat
it like the notes themselves.

{_table(adapter_set)}

{_origin(adapter_set)}

## Use

```python
from peft import PeftModel
from transformers import AutoModelForCausalLM

base = AutoModelForCausalLM.from_pretrained("{adapter_set.base_name}")
model = PeftModel.from_pretrained(base, "path of this folder")
```

Loreleaf takes it back with `loreleaf import`.
"""


def merged_card(adapter_set: AdapterSet) -> str:
    """The README.md of a folder with a merged model."""
    return f"""---
base_model: {json.dumps(adapter_set.base_name)}
base_model_relation: merge
library_name: transformers
pipeline_tag: text-generation
tags:
- loreleaf
---

# {adapter_set.title.translate(_MARKDOWN)}

{adapter_set.base_name} with what these notes say added to its weights. It holds their content in another
form: treat it like the notes themselves. The licence of the base model holds for it, too.

{_table(adapter_set)}

{_origin(adapter_set)}
"""


def _as_json(member: SetMember) -> dict[str, str]:
    kind = {"kind": "imported adapter"} if member.is_imported else {}
    return {"title": member.title, "sha256": member.sha256, **kind}


def _table(adapter_set: AdapterSet) -> str:
    rows = [
        f"| {member.title.translate(_MARKDOWN)} | {'imported adapter' if member.is_imported else 'note'} "
        f"| `{member.sha256}` |"
        for member in adapter_set.members
    ]
    return "\n".join(["| Made of | | SHA-256 |", "|---|---|---|", *rows])


def _origin(adapter_set: AdapterSet) -> str:
    return f"""| Made with | SHA-256 |
|---|---|
| base model {adapter_set.base_name} (GGUF, float16) | `{adapter_set.base_hash}` |
| hypernetwork | `{adapter_set.hypernetwork_hash}` |

Made by Loreleaf."""
