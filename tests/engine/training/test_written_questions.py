"""Questions that the base model writes: what is learnt from, what is kept, whole runs on a tiny base."""

import itertools
import json
import lzma
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.evaluation.question_sets import RawExample, parse, read_lines
from engine.hypernetwork.gguf_tokenizer import load_tokenizer
from engine.training.distributed import DistributedContext
from engine.training.transformers_base import embedded_in_transformers
from engine.training.written_questions.__main__ import Run, main
from engine.training.written_questions.config import WritingConfig
from engine.training.written_questions.forms import (
    Asked,
    Forms,
    Lesson,
    Paragraphs,
    Styles,
    can_be_answer,
    read_written,
    without_repeats,
)
from engine.training.written_questions.kept import main as kept_main
from engine.training.written_questions.writer import Writer
from tests.engine.tiny_llama import TinySize, gguf_tensors, random_llama, write_gguf

SIZE = TinySize()
CPU = torch.device("cpu")
ALONE = DistributedContext(0, 1, CPU)
PARAGRAPH = "The shed was built in 1995. Its key hangs in the tin."
CONFIG = """
base_model = "base.gguf"
data = "."
out = "written.jsonl.xz"
learn_from = ["people"]
sentence_sets = ["sentences"]
write_about = ["people"]
learn_minutes = 0.01
write_minutes = 0.01
n_samples = 2
n_sequences = 4
batch_tokens = 256
"""


@pytest.fixture
def base(tmp_path: Path) -> Path:
    path = tmp_path / "base.gguf"
    write_gguf(path, SIZE, gguf_tensors(random_llama(SIZE), SIZE))
    return path


def config_in(folder: Path, text: str = CONFIG) -> Path:
    records = {
        "people": [{"context": PARAGRAPH, "qas": [{"q": "When was the shed built?", "a": ["1995"]}]}],
        "sentences": [
            {
                "context": PARAGRAPH,
                "qas": [{"q": "Where is the key of it?", "a": ["Its key hangs in the tin."]}],
            }
        ],
    }
    for name, lines in records.items():
        with lzma.open(folder / f"{name}.jsonl.xz", "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
    path = folder / "write.toml"
    path.write_text(text, encoding="utf-8")
    return path


# --- what is learnt from -----------------------------------------------------------------------------------


def test_a_question_is_learnt_with_the_paragraph_that_answers_it(base: Path) -> None:
    paragraphs = Paragraphs(load_tokenizer(base), max_tokens=24)
    text = "The house is red and has four rooms.\n\n" + PARAGRAPH
    example = RawExample(text, (("Where is the key?", ("in the tin",)), ("Who lives there?", ("a doctor",))))
    (asked,) = paragraphs.asked(example)
    assert (asked.question, asked.answer) == ("Where is the key?", "in the tin")
    assert "in the tin" in asked.paragraph
    assert "four rooms" not in asked.paragraph


def test_both_tasks_are_learnt_and_a_turn_in_a_text_is_only_text(base: Path) -> None:
    tokenizer = load_tokenizer(base)
    forms = Forms(tokenizer)
    asked = Asked(PARAGRAPH, "When was the shed built?", "1995")
    asking, answering = forms.lessons(asked)
    assert tokenizer.decode(asking.target).startswith("1995\nWhen was the shed built?")
    assert tokenizer.decode(answering.target).startswith("1995")
    assert asking.target[-1] == answering.target[-1] == forms.end_of_turn[0]
    assert PARAGRAPH in tokenizer.decode(asking.prompt)


# --- what is kept ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "1995\nWhen was it",  # no question
        "1995\nWhen?",  # too short to say what it asks about
        "1996\nWhen was the shed built?",  # not in the paragraph
        "199\nWhen was the shed built?",  # only inside a word of it
        "the\nWhat stands before the shed?",  # says nothing
        "1995\nWas the shed built in 1995?",  # gives itself away
        "1995",
        "",
    ],
)
def test_what_is_no_question_about_the_paragraph_is_dropped(text: str) -> None:
    assert read_written(PARAGRAPH, text) is None


def test_a_question_with_its_answer_in_the_paragraph_is_read() -> None:
    asked = read_written(PARAGRAPH, " 1995 \nWhen was the shed built? ")
    assert asked == Asked(PARAGRAPH, "When was the shed built?", "1995")


def test_long_answers_are_not_taken() -> None:
    text = "word " * 40
    assert not can_be_answer(text, text.strip())


def test_an_answer_is_asked_for_once_in_a_paragraph() -> None:
    first, again = Asked("a", "Which one is it?", "The tin"), Asked("a", "What is it then?", "tin")
    elsewhere = Asked("b", "What is it then?", "tin")
    assert without_repeats([first, again, elsewhere]) == [first, elsewhere]


def test_a_share_of_the_questions_is_typed_as_keywords() -> None:
    styles = Styles.of(0.5, seed=1)
    typed = [styles.type("When was the Shed built?") for _ in range(100)]
    assert set(typed) == {"When was the Shed built?", "when was the shed built"}
    assert 30 < typed.count("when was the shed built") < 70


# --- the writer --------------------------------------------------------------------------------------------


def test_the_writer_learns_what_it_then_writes_and_answers(base: Path) -> None:
    """A few letters by heart, through padding on the left when it writes and on the right when it learns."""
    tokenizer = load_tokenizer(base)
    forms = Forms(tokenizer)
    asked = [
        Asked("The tin is red.", "What colour has the tin?", "red"),
        Asked("Over there the box is of a deep blue.", "What colour has the box?", "blue"),
    ]
    lessons: list[Lesson] = [lesson for one in asked for lesson in forms.lessons(one)]
    torch.manual_seed(0)
    steps = itertools.count()
    writer = Writer(
        embedded_in_transformers(base), CPU, forms.end_of_turn[0], clock=lambda: float(next(steps))
    )
    losses = writer.learn(lessons, minutes=150 / 60, batch_tokens=1024, lr=5e-3, rng=np.random.default_rng(0))
    assert losses[-1] < 0.1 < losses[0]
    answers = writer.answer([forms.to_answer(one.paragraph, one.question) for one in asked])
    assert tokenizer.decode_batch(answers) == ["red", "blue"]
    written = writer.write([forms.to_ask(one.paragraph) for one in asked], 2)
    assert [len(samples) for samples in written] == [2, 2]
    assert tokenizer.decode(written[0][0]) == "red\nWhat colour has the tin?"
    assert tokenizer.decode(written[1][1]) == "blue\nWhat colour has the box?"


# --- a run -------------------------------------------------------------------------------------------------


def test_a_run_writes_a_set_that_can_be_trained_on(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = WritingConfig.load(config_in(tmp_path))
    answers = {"When was the shed built?": "1995", "Where is the key of it?": "in the tin"}
    run = Run(config, ALONE)
    tokenizer = load_tokenizer(base)

    def write(prompts: list[list[int]], n_samples: int) -> list[list[list[int]]]:
        texts = ["1995\nWhen was the shed built?", "the tin\nWhat is nobody sure about?"]
        return [[tokenizer.encode(text).ids for text in texts] for _ in prompts]

    def answer(prompts: list[list[int]]) -> list[list[int]]:
        asked = [tokenizer.decode(prompt) for prompt in prompts]
        found = [next((a for q, a in answers.items() if q in text), "no idea") for text in asked]
        return [tokenizer.encode(text).ids for text in found]

    monkeypatch.setattr(run._writer, "write", write)  # a tiny model at random has nothing to say
    monkeypatch.setattr(run._writer, "answer", answer)
    assert run.run() == 2
    from_sentence, written = parse(read_lines(tmp_path, "written"))
    assert from_sentence.context == written.context == PARAGRAPH
    assert from_sentence.questions[0][1] == ("in the tin",)
    assert written.questions[0][1] == ("1995",)
    assert written.questions[0][0].rstrip("?").lower() == "when was the shed built"


def test_what_several_processes_wrote_becomes_one_set(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = WritingConfig.load(config_in(tmp_path, CONFIG.replace('"people"', '"more"', 1)))
    with lzma.open(tmp_path / "more.jsonl.xz", "wt", encoding="utf-8") as file:
        file.writelines(lines * 2 for lines in read_lines(tmp_path, "people"))
    monkeypatch.setattr(DistributedContext, "barrier", lambda _: None)
    for rank in (1, 0):  # the first process joins what all have written
        run = Run(config, DistributedContext(rank, 2, CPU))
        only = Asked(f"{PARAGRAPH} {rank}", "When was the shed built?", "1995")
        monkeypatch.setattr(run, "_answered_sentences", lambda only=only: [only])
        monkeypatch.setattr(run, "_written", lambda: iter([]))
        assert run.run() == 1
    contexts = [example.context for example in parse(read_lines(tmp_path, "written"))]
    assert contexts == [f"{PARAGRAPH} 0", f"{PARAGRAPH} 1"]
    assert not list(tmp_path.glob("*.new"))


def test_processes_share_the_texts_without_overlap(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = config_in(tmp_path, CONFIG.replace("write_minutes = 0.01", "write_minutes = 9"))
    texts = [f"The shed number {i} was built in 1995." for i in range(9)]
    with lzma.open(tmp_path / "people.jsonl.xz", "wt", encoding="utf-8") as file:
        for text in texts:
            qas = [{"q": "When was it built?", "a": ["1995"]}]
            file.write(json.dumps({"context": text, "qas": qas}) + "\n")
    seen: list[str] = []

    def to_ask(paragraph: str) -> list[int]:
        seen.append(paragraph)
        return [0]

    for rank in range(2):
        run = Run(WritingConfig.load(path), DistributedContext(rank, 2, CPU))
        monkeypatch.setattr(run._forms, "to_ask", to_ask)
        monkeypatch.setattr(run._writer, "write", lambda prompts, n: [[[]] * n for _ in prompts])
        assert not any(run._written())
    assert sorted(seen) == texts


def test_the_command_runs_from_config_to_file(base: Path, tmp_path: Path) -> None:
    assert main([str(config_in(tmp_path))]) == 0
    assert (tmp_path / "written.jsonl.xz").exists()
    assert not list(tmp_path.glob("*.new"))


def test_questions_kept_without_their_texts_join_them_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    texts = [f"  Note {i}.\n\n{PARAGRAPH} {i}\n\nThe end, {'again ' * 30}of {i}. " for i in range(4)]
    with lzma.open(data / "people.jsonl.xz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps({"context": text, "qas": []}) + "\n" for text in texts)
    paragraphs = [text.split("\n\n")[1] for text in texts[:3]] + [texts[3].strip(), "Of another text."]
    written = data / "written.jsonl.xz"
    with lzma.open(written, "wt", encoding="utf-8") as file:
        for paragraph in paragraphs:
            qas = [{"q": "When was the shed built?", "a": ["1995"]}]
            file.write(json.dumps({"context": paragraph, "qas": qas}) + "\n")
    before, kept = read_lines(data, "written"), tmp_path / "kept.jsonl.xz"
    assert kept_main(["keep", str(written), str(data), str(kept)]) == 0
    assert "4 paragraphs in kept.jsonl.xz, 1 without" in capsys.readouterr().out
    assert PARAGRAPH.encode() not in lzma.decompress(kept.read_bytes())
    written.unlink()
    assert kept_main(["rejoin", str(kept), str(data), str(written)]) == 0
    assert read_lines(data, "written") == before[:4]
    # Of texts that are held out, nothing comes back.
    with lzma.open(data / "people.jsonl.xz", "wt", encoding="utf-8") as file:
        file.write(json.dumps({"context": texts[0], "qas": []}) + "\n")
    assert kept_main(["rejoin", str(kept), str(data), str(written)]) == 0
    assert read_lines(data, "written") == before[:1]
    assert kept_main(["rejoin", str(tmp_path / "nowhere.xz"), str(data), str(written)]) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ('out = "written.txt"', "jsonl.xz"),
        ("learn_from = []", "learn_from"),
        ("n_samples = 0", "n_samples"),
        ("keyword_share = 2", "keyword_share"),
        ("colour = 1", "colour"),
    ],
)
def test_a_wrong_config_is_refused(tmp_path: Path, change: str, said: str) -> None:
    field = change.split(" = ")[0]
    kept = "\n".join(line for line in CONFIG.splitlines() if not line.startswith(f"{field} "))
    with pytest.raises(ValueError, match=said):
        WritingConfig.load(config_in(tmp_path, f"{kept}\n{change}\n"))


def test_sets_without_a_question_to_learn_from_are_told(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config_in(tmp_path)
    with lzma.open(tmp_path / "people.jsonl.xz", "wt", encoding="utf-8") as file:
        file.write(json.dumps({"context": PARAGRAPH, "qas": [{"q": "Is it so?", "a": ["yes"]}]}) + "\n")
    assert main([str(path)]) == 1
    assert "nothing to learn from" in capsys.readouterr().err


def test_a_missing_set_is_named(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = config_in(tmp_path, CONFIG.replace('learn_from = ["people"]', 'learn_from = ["nobody"]'))
    assert main([str(path)]) == 1
    assert "nobody" in capsys.readouterr().err
