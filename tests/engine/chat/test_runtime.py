"""llama.cpp with the real base model: adapters, memory, stopping."""

import contextlib
import logging
import platform
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import gguf
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.adapters.gguf_format import pack, write_adapter
from engine.chat.llama_library import llama_cpp
from engine.chat.prompt import build_prompt
from engine.chat.runtime import AnswerStopped, LlamaRuntime, LoadedAdapter, QuestionTooLong
from engine.chat.sampling import Sampling
from engine.errors import InvalidAdapter, ModelUnavailable
from engine.formats.lora import LoraFactors, concatenate
from tests.engine.adapters.adapters_at_random import base_model_factors

pytestmark = pytest.mark.model

Logits = NDArray[np.float32]
QUESTION = "Who looks after the lighthouse, and since when?"


@pytest.fixture(scope="module")
def shared_runtime(f16_base_model: Path) -> Iterator[LlamaRuntime]:
    with LlamaRuntime(f16_base_model, n_ctx=1024, n_threads=1) as runtime:
        yield runtime


@pytest.fixture
def runtime(shared_runtime: LlamaRuntime) -> Iterator[LlamaRuntime]:
    yield shared_runtime
    shared_runtime.abort.turn(on=False)
    shared_runtime.set_adapter(None)
    shared_runtime.clear_memory()


def load(runtime: LlamaRuntime, factors: LoraFactors, weight: float = 1.0) -> LoadedAdapter:
    return runtime.load_adapter(write_adapter([(pack(factors, 1.0), weight)], architecture="llama"))


def prompt(runtime: LlamaRuntime) -> list[int]:
    return build_prompt(runtime, QUESTION, [], n_ctx=runtime.n_ctx)


def logits_with(runtime: LlamaRuntime, adapter: LoadedAdapter | None) -> Logits:
    runtime.set_adapter(adapter)
    return runtime.read_prompt(prompt(runtime))


def merged_model(base: Path, factors: LoraFactors, target: Path) -> None:
    """Write the base model with the delta added to its weights in float32."""
    reader = gguf.GGUFReader(base)
    writer = gguf.GGUFWriter(target, arch="llama")
    for name, field in reader.fields.items():
        if not name.startswith("GGUF.") and name != "general.architecture":
            is_array = field.types[0] == gguf.GGUFValueType.ARRAY
            sub_type = field.types[-1] if is_array else None
            writer.add_key_value(name, field.contents(), field.types[0], sub_type=sub_type)
    for tensor in reader.tensors:
        values = np.asarray(tensor.data)
        if tensor.name.endswith("ffn_down.weight"):
            layer = int(tensor.name.split(".")[1])
            values = values.astype(np.float32) + factors.delta("down_proj", layer)
        writer.add_tensor(tensor.name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_an_adapter_set_has_the_effect_of_adding_its_deltas_to_the_weights(
    runtime: LlamaRuntime, f16_base_model: Path, tmp_path: Path
) -> None:
    parts, weights = [base_model_factors(1), base_model_factors(2, rank=4)], [1.0, 0.5]
    files = [(pack(part, 2.0), weight) for part, weight in zip(parts, weights, strict=True)]
    adapter = runtime.load_adapter(write_adapter(files, architecture="llama"))
    target = tmp_path / "merged.gguf"
    summed = concatenate([part.scaled(2.0 * w) for part, w in zip(parts, weights, strict=True)])
    merged_model(f16_base_model, summed, target)
    with LlamaRuntime(target, n_ctx=256, n_threads=1) as merged:
        expected = merged.read_prompt(prompt(merged))
    target.unlink()

    base = logits_with(runtime, None)
    found = logits_with(runtime, adapter)

    effect, expected_effect = found - base, expected - base
    assert np.abs(expected_effect).max() > 1.0, "too weak an adapter proves nothing"
    # llama.cpp's own noise with a float16 KV cache is 0.03 to 0.07 logits.
    assert np.abs(found - expected).max() < 0.15
    assert np.corrcoef(effect, expected_effect)[0, 1] > 0.999
    runtime.free_adapter(adapter)


def test_switching_adapters_leaves_nothing_of_the_previous_one(
    runtime: LlamaRuntime, f16_base_model: Path
) -> None:
    first, second = (load(runtime, base_model_factors(seed)) for seed in (1, 2))
    base = logits_with(runtime, None)
    with_first = logits_with(runtime, first)

    with_second = logits_with(runtime, second)
    base_again = logits_with(runtime, None)

    with LlamaRuntime(f16_base_model, n_ctx=1024, n_threads=1) as fresh:
        expected = logits_with(fresh, load(fresh, base_model_factors(2)))
    np.testing.assert_array_equal(with_second, expected)
    np.testing.assert_array_equal(base_again, base)
    assert np.abs(with_first - with_second).max() > 1.0
    for adapter in (first, second):
        runtime.free_adapter(adapter)


def test_an_adapter_loaded_through_a_file_is_the_same_and_leaves_no_file(
    runtime: LlamaRuntime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from_memory = load(runtime, base_model_factors(1))
    expected = logits_with(runtime, from_memory)
    monkeypatch.setattr(platform, "system", lambda: "Windows")  # where C can open no file in memory
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    from_file = load(runtime, base_model_factors(1))

    np.testing.assert_array_equal(logits_with(runtime, from_file), expected)
    assert not list(tmp_path.iterdir())
    for adapter in (from_memory, from_file):
        runtime.free_adapter(adapter)


def test_setting_what_is_set_already_keeps_the_memory(runtime: LlamaRuntime) -> None:
    adapter = load(runtime, base_model_factors(1))
    runtime.set_adapter(adapter)
    pieces = [piece.token for piece in runtime.generate(prompt(runtime), Sampling(), 3)]
    runtime.set_adapter(adapter)
    assert [piece.token for piece in runtime.generate(prompt(runtime), Sampling(), 3)] == pieces
    runtime.free_adapter(adapter)


def test_freeing_the_adapter_that_is_set_falls_back_to_the_base_model(runtime: LlamaRuntime) -> None:
    base = logits_with(runtime, None)
    adapter = load(runtime, base_model_factors(1))
    logits_with(runtime, adapter)

    runtime.free_adapter(adapter)

    np.testing.assert_array_equal(runtime.read_prompt(prompt(runtime)), base)


def test_freeing_and_loading_in_any_order_never_uses_a_freed_adapter(runtime: LlamaRuntime) -> None:
    second = load(runtime, base_model_factors(2))
    expected = logits_with(runtime, second)
    runtime.free_adapter(second)
    for _ in range(5):
        # The next adapter likely gets the address of the freed one, which llama.cpp takes for the same.
        first = load(runtime, base_model_factors(1))
        logits_with(runtime, first)
        runtime.free_adapter(first)
        second = load(runtime, base_model_factors(2))
        np.testing.assert_array_equal(logits_with(runtime, second), expected)
        runtime.free_adapter(second)


def test_a_freed_adapter_cannot_be_set(runtime: LlamaRuntime) -> None:
    adapter = load(runtime, base_model_factors(1))
    runtime.free_adapter(adapter)
    with pytest.raises(ValueError, match="freed"):
        runtime.set_adapter(adapter)


def test_an_adapter_with_nan_is_refused_and_changes_nothing(runtime: LlamaRuntime) -> None:
    base = logits_with(runtime, None)
    file = write_adapter([(pack(base_model_factors(1), 1.0), 1.0)], architecture="llama")
    file[-1024:].view("<f4")[-1] = np.nan

    with pytest.raises(InvalidAdapter, match="finite"):
        runtime.load_adapter(file)

    np.testing.assert_array_equal(logits_with(runtime, None), base)


def test_huge_finite_values_are_noticed_and_do_not_poison_later_answers(runtime: LlamaRuntime) -> None:
    base = logits_with(runtime, None)
    A, B = base_model_factors(1).modules["down_proj"]
    adapter = load(runtime, LoraFactors({"down_proj": (A, B / np.abs(B).max() * np.float32(1e38))}))

    with pytest.raises(InvalidAdapter, match="finite"):
        logits_with(runtime, adapter)

    runtime.free_adapter(adapter)
    np.testing.assert_array_equal(logits_with(runtime, None), base)


def test_mutants_that_the_validator_accepts_load_and_compute_finite_numbers_or_are_noticed(
    runtime: LlamaRuntime,
) -> None:
    good = write_adapter([(pack(base_model_factors(3, rank=1), 1.0), 1.0)], architecture="llama")
    random = np.random.default_rng(0)
    n_loaded = 0
    for _ in range(150):
        mutant = good.copy()
        # Half of them in the header, where the structure is; half in the numbers.
        limit = 4000 if random.random() < 0.5 else mutant.size
        for position in random.integers(0, limit, size=random.integers(1, 4)):
            mutant[position] = random.integers(0, 256)
        try:
            adapter = runtime.load_adapter(mutant)
        except InvalidAdapter:
            continue
        n_loaded += 1
        runtime.set_adapter(adapter)
        with contextlib.suppress(InvalidAdapter):  # finite but huge: noticed, which is all that is asked
            assert np.isfinite(runtime.read_prompt([1, 4093])).all()
        runtime.free_adapter(adapter)
    assert n_loaded > 25, "the mutants must not all be refused, or this proves nothing"


def test_no_answer_begins_with_a_token_that_none_may_begin_with(runtime: LlamaRuntime) -> None:
    usual = next(runtime.generate(prompt(runtime), Sampling(), 3))
    assert usual.token is not None
    assert usual.logits is not None
    other = next(runtime.generate(prompt(runtime), Sampling(), 3, never_first=usual.token))
    assert other.logits is not None
    assert other.token == np.argsort(-usual.logits)[1]
    np.testing.assert_array_equal(other.logits, usual.logits)  # what was thought is still told


def test_an_answer_is_stopped_within_one_token(runtime: LlamaRuntime) -> None:
    tokens = runtime.generate(build_prompt(runtime, "Count to 100.", [], n_ctx=1024), Sampling(), 200)
    for _ in range(5):
        next(tokens)
    runtime.abort.turn(on=True)
    assert len(list(tokens)) <= 1


def test_reading_a_long_prompt_is_stopped_in_the_middle(
    runtime: LlamaRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_prompt = runtime.tokenize("lighthouse keeper " * 450, parse_special=False)[:900]
    base = logits_with(runtime, None)
    decode = llama_cpp.llama_decode
    codes: list[int] = []

    def stopped_meanwhile(context: object, batch: object) -> int:
        stopper = threading.Thread(target=runtime.abort.turn, kwargs={"on": True})
        stopper.start()
        stopper.join()
        codes.append(decode(context, batch))
        return codes[-1]

    monkeypatch.setattr(llama_cpp, "llama_decode", stopped_meanwhile)
    with pytest.raises(AnswerStopped):
        runtime.read_prompt(long_prompt)
    monkeypatch.undo()

    assert codes == [2]  # llama.cpp itself gave up, in the first of several pieces
    runtime.abort.turn(on=False)
    np.testing.assert_array_equal(logits_with(runtime, None), base)


def test_a_wished_stop_is_no_error_in_the_log_and_another_failure_is_one(
    runtime: LlamaRuntime, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    decode = llama_cpp.llama_decode

    def stop_and_decode(*arguments: object) -> int:
        runtime.abort.turn(on=True)  # as the reader of commands does while a decode runs
        code: int = decode(*arguments)
        return code

    with monkeypatch.context() as patched:
        patched.setattr(llama_cpp, "llama_decode", stop_and_decode)
        with pytest.raises(AnswerStopped):
            runtime.read_prompt([1, 2, 3])
    assert loud_lines(caplog) == []

    runtime.abort.turn(on=False)
    with pytest.raises(RuntimeError, match="invalid token"):
        runtime.read_prompt([10_000_000])
    assert any("invalid token" in line for line in loud_lines(caplog))


def loud_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_text_streams_in_whole_characters(runtime: LlamaRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "Grüße, 日本語 und 🦊 naïve — ∑"
    script = runtime.tokenize(text, parse_special=False)
    assert len(script) > len(text) // 2
    says(monkeypatch, script)

    pieces = list(runtime.generate(prompt(runtime), Sampling(), len(script)))

    assert "".join(piece.text for piece in pieces) == text
    assert any(piece.text == "" for piece in pieces), "some characters must take several tokens"
    assert not any("\ufffd" in piece.text for piece in pieces)


def test_an_answer_cut_inside_a_character_says_so_once(
    runtime: LlamaRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = runtime.tokenize("🦊", parse_special=False)
    assert len(script) > 1
    says(monkeypatch, script)
    pieces = list(runtime.generate(prompt(runtime), Sampling(), len(script) - 1))
    assert "".join(piece.text for piece in pieces) == "\ufffd"
    assert pieces[-1].token is None


def says(monkeypatch: pytest.MonkeyPatch, script: list[int]) -> None:
    """Make the sampler choose these tokens, whatever the logits."""

    class Scripted:
        def __init__(self, _sampling: Sampling) -> None:
            self._script = iter(script)

        def choose(self, _logits: Logits) -> int:
            return next(self._script)

    monkeypatch.setattr("engine.chat.runtime.Sampler", Scripted)


def test_generation_ends_at_the_end_of_the_window(
    f16_base_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LlamaRuntime(f16_base_model, n_ctx=256, n_threads=1) as small:
        word = small.tokenize(" word", parse_special=False)
        says(monkeypatch, word * 300)
        pieces = list(small.generate(word * 250, Sampling(), 100))
        assert len(pieces) == small.n_ctx - 250


def test_a_prompt_longer_than_the_window_is_refused(runtime: LlamaRuntime) -> None:
    with pytest.raises(QuestionTooLong, match="1024 tokens"):
        runtime.read_prompt([198] * 1024)


def test_only_the_owning_thread_may_compute(runtime: LlamaRuntime) -> None:
    errors: list[RuntimeError] = []

    def decode() -> None:
        try:
            runtime.read_prompt([1])
        except RuntimeError as exc:
            errors.append(exc)

    thread = threading.Thread(target=decode)
    thread.start()
    thread.join()
    assert len(errors) == 1


def test_a_missing_or_broken_model_file_is_told_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"gone\.gguf"):
        LlamaRuntime(tmp_path / "gone.gguf", n_ctx=256, n_threads=1)
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + bytes(200))
    with pytest.raises(ModelUnavailable, match=r"broken\.gguf"):
        LlamaRuntime(broken, n_ctx=256, n_threads=1)
