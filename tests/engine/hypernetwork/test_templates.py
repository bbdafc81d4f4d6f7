"""Templates and chunking of the published bases."""

import pytest

from engine.hypernetwork.templates import PUBLISHED, Template, split, template_for


class Letters:
    """A tokenizer with one token per character."""

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        assert not add_special_tokens
        return [ord(letter) for letter in text]


def decoded(ids: list[int]) -> str:
    return "".join(map(chr, ids))


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        (
            "google/gemma-2-2b-it",
            "<bos><start_of_turn>user\n\n\nA note.<end_of_turn>\n<start_of_turn>model\n",
        ),
        (
            "Qwen/Qwen3-4B-Instruct-2507",
            "<|im_start|>system\n<|im_end|>\n<|im_start|>user\nA note.<|im_end|>\n<|im_start|>assistant\n",
        ),
        ("mistralai/Mistral-7B-Instruct-v0.2", "<s> [INST] \n\nA note. [/INST] "),
    ],
)
def test_a_document_is_stripped_and_wrapped_as_in_training(base: str, expected: str) -> None:
    template = template_for(base, "unknown")
    assert template is not None
    assert decoded(template.ids("\n A note.  ", Letters())) == expected


def test_the_published_bases_have_the_affixes_of_the_reference() -> None:
    affixes = {name: template.affixes(Letters()) for name, template in PUBLISHED.items()}
    assert affixes["google/gemma-2-2b-it"] == ([2, 106, 1645, 110], [107, 108, 106, 2516, 108])
    assert affixes["mistralai/Mistral-7B-Instruct-v0.2"] == (
        [1, 733, 16289, 28793, 28705, 13, 13],
        [733, 28748, 16289, 28793],
    )
    assert affixes["Qwen/Qwen3-4B-Instruct-2507"] == (
        [151644, 8948, 198, 151645, 198, 151644, 872, 198],
        [151645, 198, 151644, 77091, 198],
    )


def test_another_model_of_a_known_family_has_its_template_with_affixes_of_its_own_tokenizer() -> None:
    template = template_for("someone/gemma-2-2b-tuned", "gemma2")
    assert template is not None
    prefix, suffix = template.affixes(Letters())
    assert decoded(prefix) == "<bos><start_of_turn>user\n\n\n"
    assert decoded(suffix) == "<end_of_turn>\n<start_of_turn>model\n"


def test_a_model_of_another_family_has_no_template_here() -> None:
    assert template_for("someone/else", "llama") is None


def test_affixes_of_any_template_are_its_text() -> None:
    assert Template("<", ">").affixes(Letters()) == ([60], [62])


# --- chunking -------------------------------------------------------------------------------------------

PREFIX, SUFFIX = [-1, -2], [-3]


def test_what_fits_is_one_chunk_unchanged() -> None:
    assert split(range(10), 10, PREFIX, SUFFIX) == [list(range(10))]
    assert split(range(10), 0, PREFIX, SUFFIX) == [list(range(10))]
    assert split([], 10, PREFIX, SUFFIX) == [[]]


def test_chunks_are_of_equal_size_and_wrapped_at_their_inner_borders() -> None:
    assert split(range(7), 3, PREFIX, SUFFIX) == [
        [0, 1, 2, *SUFFIX],
        [*PREFIX, 3, 4, 5, *SUFFIX],
        [*PREFIX, 6],
    ]


@pytest.mark.parametrize(
    ("n_tokens", "max_tokens", "lengths"),
    [(6, 4, [3, 3]), (12, 5, [4, 4, 4]), (21, 4, [4, 4, 4, 4, 4, 1]), (382, 128, [128, 128, 126])],
)
def test_the_last_chunk_takes_what_is_left(n_tokens: int, max_tokens: int, lengths: list[int]) -> None:
    assert [len(chunk) for chunk in split(range(n_tokens), max_tokens, [], [])] == lengths


@pytest.mark.parametrize("n_tokens", [2, 17, 100, 383])
@pytest.mark.parametrize("max_tokens", [1, 7, 64])
def test_nothing_is_lost_and_nothing_is_too_long(n_tokens: int, max_tokens: int) -> None:
    chunks = split(range(n_tokens), max_tokens, PREFIX, SUFFIX)
    assert [token for chunk in chunks for token in chunk if token >= 0] == list(range(n_tokens))
    assert max(map(len, chunks)) <= max_tokens + len(PREFIX) + len(SUFFIX)
