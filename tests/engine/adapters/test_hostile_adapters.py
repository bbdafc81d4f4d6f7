"""Adapters that were made to do harm end in a sentence, and cost neither memory nor time."""

import shutil
import sys
from pathlib import Path

import pytest

from engine.adapters.gguf_format import pack, write_adapter
from engine.adapters.importing import import_adapter
from engine.adapters.messages import ImportAdapter
from engine.adapters.peft_format import peft_files, write_peft
from engine.adapters.provenance import read_title, tidy_title
from engine.errors import InvalidAdapter
from engine.formats.gguf_header import read_header
from engine.models.base_geometry import target_of
from tests.engine.adapters.hostile_adapters import GGUF, PEFT, TENSORS
from tests.engine.hypernetwork.mutants import mutants
from tests.engine.tiny_adapters import SIZE, tiny_base, tiny_factors
from tests.engine.tiny_llama import random_llama


@pytest.fixture(scope="module")
def base_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(tmp_path_factory.mktemp("tiny"), random_llama(SIZE))


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory, base_file: Path) -> Path:
    folder = tmp_path_factory.mktemp("good")
    factors = tiny_factors(1, names=["q_proj", "v_proj"], rank=4)
    write_peft(folder, peft_files(factors, 1.0, base_model="tiny"))
    import_adapter(ImportAdapter(folder, base_file, "b" * 64))
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited and measured as Linux does it")
def test_each_is_refused_in_a_sentence_and_takes_no_more_memory_than_a_small_file_may(
    good: Path, base_file: Path, tmp_path: Path
) -> None:
    from tests.engine.watched_reading import read_watched

    sources: list[Path] = []
    sentences: dict[str, str] = {}
    for case, (change, sentence) in PEFT.items():
        sources.append(Path(shutil.copytree(good, tmp_path / f"{len(sources)}")))
        change(sources[-1])
        sentences[case] = sentence
    for case, (data, sentence) in GGUF.items():
        sources.append(tmp_path / f"{len(sources)}.gguf")
        sources[-1].write_bytes(data)
        sentences[case] = sentence

    readings = read_watched("adapter", base_file, *sources)

    assert len(readings) == len(sources)
    for (case, sentence), reading in zip(sentences.items(), readings, strict=True):
        assert reading.failure.startswith("InvalidAdapter: This adapter cannot be imported."), (case, reading)
        assert any(words in reading.failure for words in sentence.split("|")), (case, reading)
        assert reading.n_more_bytes < 150 << 20, (case, reading)


@pytest.mark.parametrize("file_format", ["gguf", "peft"])
def test_of_a_thousand_damaged_files_each_is_taken_or_refused(
    file_format: str, good: Path, base_file: Path, tmp_path: Path
) -> None:
    source = Path(shutil.copytree(good, tmp_path / "adapter"))
    file, order = source / TENSORS, ImportAdapter(source, base_file, "b" * 64)
    seed = file.read_bytes()
    if file_format == "gguf":
        packed = pack(tiny_factors(1, names=["down_proj"], rank=2), 1.0, target_of(base_file).interleaved)
        seed = write_adapter(
            [(packed, 1.0)], architecture="llama", metadata={"general.name": "Boat"}
        ).tobytes()
        file = tmp_path / "adapter.gguf"
        order = ImportAdapter(file, base_file, "b" * 64)
    refusals: list[str] = []
    for mutant in mutants(seed, 1000):
        file.write_bytes(mutant)
        try:
            import_adapter(order)
        except InvalidAdapter as exc:
            refusals.append(str(exc))
    assert 300 < len(refusals) <= 1000
    assert max(map(len, refusals)) < 2000


def test_a_file_with_the_name_of_an_adapter_that_is_a_folder_is_refused(
    good: Path, base_file: Path, tmp_path: Path
) -> None:
    source = Path(shutil.copytree(good, tmp_path / "adapter"))
    (source / "adapter_config.json").unlink()
    (source / "adapter_config.json").mkdir()
    with pytest.raises(InvalidAdapter, match="not a file"):
        import_adapter(ImportAdapter(source, base_file, "b" * 64))


# --- titles -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Dentist", "Dentist"),
        ("  two\n\nlines\t and\x00more ", "two lines and more"),
        ("\x1b[31mred\x1b[0m", "[31mred [0m"),
        ("\u202etxt.exe\u202c", "txt.exe"),
        ("a\u2066b\u2069c\u200e\u200f\u061c\ufeff", "abc"),
        ("tag\U000e0041", "tag"),
        ("half \ud800 a pair", "half a pair"),
        ("line\u2028separator\u2029s", "line separator s"),
        ("می\u200cخواهم 👩\u200d🔧", "می\u200cخواهم 👩\u200d🔧"),
        ("<b>bold</b>", "<b>bold</b>"),  # whoever shows it shows it as text
        ("A" * 5_000_000, "A" * 200),
        ("\n" * 5_000_000, ""),
    ],
    ids=range(12),
)
def test_a_title_is_one_short_line_that_steers_nothing(text: str, shown: str) -> None:
    assert tidy_title(text) == shown
    assert read_title({"general.name": text}) == shown


def test_a_title_that_is_no_text_is_none() -> None:
    assert read_title({"general.name": list(range(100))}) == ""
    assert read_title({"loreleaf.notes": "[" * 100_000}) == ""
    assert read_title({"loreleaf.notes": '[{"title": 7}]'}) == ""


def test_an_imported_title_is_tidy_when_it_leaves_the_process(
    good: Path, base_file: Path, tmp_path: Path
) -> None:
    packed = pack(tiny_factors(1, names=["down_proj"], rank=2), 1.0, target_of(base_file).interleaved)
    data = write_adapter(
        [(packed, 1.0)], architecture="llama", metadata={"general.name": "Bo\u202eat\n" * 500}
    )
    file = tmp_path / "adapter.gguf"
    file.write_bytes(data.tobytes())
    assert len(str(read_header(file).values["general.name"])) == 3000

    assert import_adapter(ImportAdapter(file, base_file, "b" * 64)).title == ("Boat " * 40).strip()
