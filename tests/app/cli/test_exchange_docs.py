"""docs/exchange.md as a reader follows it: commands and examples, one after the other, with real models."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.hypernetwork.gguf_tokenizer import load_tokenizer
from project_files import pinned_version, read_dependencies
from tests.app.cli.conftest import PROJECT, Ended, command, environment
from tests.patience import PROCESS_PATIENCE_S

pytestmark = [pytest.mark.model, pytest.mark.slow]

NOTES = {
    "Observatory": "The password of the west dome of the observatory is copper-heron.",
    "Boat": "Our sailing boat is called Lotte and lies at pier 4.",
}
BASE = "HuggingFaceTB/SmolLM2-135M-Instruct"
# SmolLM2's own, for a chat that begins with a system message.
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@dataclass(frozen=True)
class Desk:
    """A folder to work in, with a library of two notes and the base model as transformers has it."""

    folder: Path

    def run(self, *words: str | Path) -> Ended:
        return self._run(command(words))

    def python(self, code: str) -> Ended:
        return self._run([sys.executable, "-W", "ignore", "-c", code])

    def _run(self, words: list[str]) -> Ended:
        env = environment(LORELEAF_HOME=str(self.folder / "home"), HF_HUB_OFFLINE="1")
        ended = subprocess.run(
            words,
            cwd=self.folder,
            env=env,
            capture_output=True,
            encoding="utf-8",
            timeout=PROCESS_PATIENCE_S,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return Ended(ended.returncode, ended.stdout, ended.stderr)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    desk = Desk(tmp_path_factory.mktemp("desk").resolve())
    notes = desk.folder / "notes"
    notes.mkdir()
    for name, text in NOTES.items():
        (notes / f"{name}.md").write_text(f"# {name}\n\n{text}\n", encoding="utf-8")
    desk.run("add", notes)
    (gguf,) = (desk.folder / "home" / "cache" / "models").glob("*.gguf")
    _save_in_transformers(gguf, desk.folder / BASE)
    return desk


def _save_in_transformers(gguf: Path, folder: Path) -> None:
    """What the hub has under this name; there is no network here."""
    from transformers import PreTrainedTokenizerFast

    from engine.training.transformers_base import embedded_in_transformers

    embedded_in_transformers(gguf).save_pretrained(folder)
    wrap: Any = PreTrainedTokenizerFast  # untyped
    tokenizer = wrap(
        tokenizer_object=load_tokenizer(gguf), eos_token="<|im_end|>", chat_template=CHAT_TEMPLATE
    )
    tokenizer.save_pretrained(folder)


def examples() -> Iterator[tuple[str, str]]:
    """Language and text of each block, in order."""
    text = (PROJECT / "docs" / "exchange.md").read_text(encoding="utf-8")
    yield from re.findall(r"^```(sh|python)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def printed(desk: Desk) -> list[str]:
    """What each command line and each example printed, in their order, after a first question."""
    outputs = [desk.run("ask", "What is the password of the west dome?").out]
    for language, text in examples():
        if language == "python":
            outputs.append(desk.python(text).out)
            continue
        for line in text.splitlines():
            program, *words = shlex.split(line)
            assert program == "loreleaf"
            outputs.append(desk.run(*words).out)
    return outputs


def test_the_page_can_be_followed_from_its_beginning_to_its_end(desk: Desk, printed: list[str]) -> None:
    n_blocks = (PROJECT / "docs" / "exchange.md").read_text(encoding="utf-8").count("```") // 2
    assert len(list(examples())) == n_blocks == 5
    for name in (
        "observatory-adapter/README.md",
        "boat.gguf",
        "everything-that-is-on.gguf",
        "merged.gguf",
        "merged-model/model.safetensors",
    ):
        assert (desk.folder / name).is_file()
    listed = desk.run("list").out
    assert "off  ready       3  Stars (imported adapter, rank 24 on down_proj)" in listed
    assert "Observatory" not in listed


def test_an_exported_note_is_known_to_peft_and_to_llama_cpp(printed: list[str]) -> None:
    assert "copper-heron\n" in printed
    assert "Lotte\n" in printed


def test_a_note_that_was_exported_forgotten_and_imported_gives_the_same_answer(printed: list[str]) -> None:
    before, after = (output for output in printed if "\nSources:\n" in output)
    assert before.splitlines()[0] == after.splitlines()[0] == "copper-heron"
    assert before.splitlines()[-1].startswith("100%  Observatory: # Observatory")
    assert after.splitlines()[-1] == "100%  Observatory, imported: (an imported adapter)"


IN_LLAMA_CPP = """
from llama_cpp import Llama
llm = Llama("merged.gguf", n_ctx=512, verbose=False)
print(llm.create_chat_completion(CHAT, temperature=0.0, max_tokens=24)["choices"][0]["message"]["content"])
"""
IN_TRANSFORMERS = """
from transformers import AutoModelForCausalLM, AutoTokenizer
model, tokenizer = (auto.from_pretrained("merged-model") for auto in (AutoModelForCausalLM, AutoTokenizer))
text = tokenizer.apply_chat_template(CHAT, tokenize=False, add_generation_prompt=True)
prompt = tokenizer(text, return_tensors="pt", add_special_tokens=False)
answer = model.generate(**prompt, max_new_tokens=24, do_sample=False)
print(tokenizer.decode(answer[0, prompt["input_ids"].shape[1]:], skip_special_tokens=True))
"""


@pytest.mark.usefixtures("printed")
@pytest.mark.parametrize("code", [IN_LLAMA_CPP, IN_TRANSFORMERS], ids=["llama.cpp", "transformers"])
def test_a_merged_model_knows_the_note_by_itself(code: str, desk: Desk) -> None:
    chat = [
        {"role": "system", "content": "Answer from the user's notes."},
        {"role": "user", "content": "What is our sailing boat called?"},
    ]
    assert desk.python(f"CHAT = {chat!r}\n{code}").out == "Lotte\n"


def test_the_docs_name_the_version_of_llama_cpp_that_they_were_run_with() -> None:
    text = (PROJECT / "docs" / "exchange.md").read_text(encoding="utf-8")

    assert f"llama-cpp-python {pinned_version('llama-cpp-python', read_dependencies())}," in text
