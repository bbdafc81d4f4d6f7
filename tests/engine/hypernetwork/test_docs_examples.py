"""The examples of docs/doc-to-lora.md run as they stand."""

import re
from pathlib import Path

import pytest

from tests.engine.hypernetwork.parity_case import BASE, CHECKPOINT, NOTE

ROOT = Path(__file__).parents[3]


def test_the_examples_run_one_after_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "docs" / "doc-to-lora.md").read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(examples) == 2
    names: dict[str, object] = {
        "CHECKPOINT": CHECKPOINT,
        "BASE": BASE,
        "NOTE": NOTE,
    }
    for example in examples:
        exec(compile(example, "doc-to-lora.md", "exec"), names)
    assert capsys.readouterr().out.strip()
    assert names["logits"].shape[0] == 1  # type: ignore[attr-defined]
