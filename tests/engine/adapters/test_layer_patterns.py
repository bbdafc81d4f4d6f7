"""rank_pattern and alpha_pattern: peft's meaning, without an engine that a file could keep busy for ever."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.adapters.layer_patterns import MAX_STEPS, values_by_layer

LAYERS = [
    f"model.layers.{layer}.{name}"
    for layer in (0, 1, 10, 31)
    for name in ("self_attn.q_proj", "self_attn.v_proj", "mlp.down_proj", "mlp.up_proj")
]


def as_in_peft(patterns: dict[str, object]) -> dict[str, object]:
    """peft 0.21's ``get_pattern_key``, for each layer."""
    found: dict[str, object] = {}
    for layer in LAYERS:
        for key, value in patterns.items():
            if re.match(rf"(.*\.)?({key})$", layer):
                found[layer] = value
                break
    return found


@pytest.mark.parametrize(
    "pattern",
    [
        "q_proj",
        "self_attn.q_proj",
        "model.layers.0.self_attn.q_proj",
        r"model\.layers\.1\.mlp\.down_proj",
        "^q_proj",  # matches nothing, in peft either
        "^model.layers.0.mlp.up_proj",
        r"layers\.(0|10)\..*",
        r".*\.layers\.[0-9]+\.self_attn\..*",
        r"layers\.\d\.mlp\.(up|down)_proj",
        r"layers\.(?:[1-9]|[12]\d)\.self_attn\.[qv]_proj",
        "q_proj|v_proj",
        "mlp[.](?P<which>up|down)_proj",
        r"\bq_proj\b",
        r"\w+_proj",
        "(?i:Q_PROJ)",
        "layers.1{1,2}.mlp.up_proj",
        "a)|(down_proj",
        "",
    ],
)
def test_patterns_as_people_write_them_mean_what_they_mean_to_peft(pattern: str) -> None:
    assert values_by_layer({pattern: 4}, LAYERS, "rank_pattern") == as_in_peft({pattern: 4})


def test_the_first_pattern_that_matches_counts() -> None:
    patterns: dict[str, object] = {
        "q_proj": 2,
        "layers.0.self_attn.q_proj": 4,
        r".*\.mlp\..*": 8,
        "up_proj": 16,
    }
    assert values_by_layer(patterns, LAYERS, "rank_pattern") == as_in_peft(patterns)


_PIECES = st.sampled_from(
    [
        "q_proj",
        "layers",
        ".",
        r"\.",
        r"\d",
        "[0-9]",
        "[^.]",
        "mlp",
        "up",
        "_proj",
        "self_attn",
        "1",
        r"\w",
        "^",
        "$",
    ]
)
_PATTERNS = st.recursive(
    st.lists(_PIECES, min_size=1, max_size=4).map("".join),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map("|".join),
        st.tuples(inner, st.sampled_from(["", "*", "+", "?", "{2}", "{1,3}", "*?"])).map(
            lambda p: f"({p[0]}){p[1]}"
        ),
    ),
    max_leaves=4,
)


@settings(max_examples=300, deadline=None)
@given(_PATTERNS)
def test_both_engines_find_the_same_layers(pattern: str) -> None:
    assert values_by_layer({pattern: 4}, LAYERS, "rank_pattern") == as_in_peft({pattern: 4})


@pytest.mark.parametrize(
    "pattern",
    [
        "(([a-z0-9_.])+)+!",
        "(.*)*(.*)*!",
        "(a|a)*(a|a)*(a|a)*$!",
        "((((.*)*)*)*)*!",
        "(.+)+(.+)+(.+)+,",
        "(" * 5000 + ")" * 5000,
    ],
)
def test_an_expression_that_python_would_match_for_years_is_matched_at_once(pattern: str) -> None:
    """With Python's ``re`` this test does not end; hence no limit of time."""
    assert values_by_layer({pattern: 4}, LAYERS, "rank_pattern") == {}


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "missing"),
        ("*", "no argument"),
        (r"(?=q)q_proj", "invalid perl operator"),
        (r"(q)_proj\1", "invalid escape"),
        ("((a{1000}){1000}){1000}", "repetition"),
        ("[[:alpha:]]_proj", "not supported"),
        ("q{,3}_proj", "not supported"),
        ("\ud800", "no text"),
        ("(" + "|".join(f"a{i}b{{900}}" for i in range(200)) + ")", "too large"),
    ],
)
def test_what_cannot_be_matched_in_linear_time_is_named(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match=rf"(?s)alpha_pattern has the pattern .*{reason}"):
        values_by_layer({pattern: 4}, LAYERS, "alpha_pattern")


def test_as_many_patterns_as_layers_of_a_large_model_are_taken() -> None:
    layers = [f"model.layers.{layer}.self_attn.{name}_proj" for layer in range(32) for name in "qkvogud"]
    patterns: dict[str, object] = {re.escape(layer): rank for rank, layer in enumerate(layers)}
    assert values_by_layer(patterns, layers, "rank_pattern") == {
        layer: patterns[re.escape(layer)] for layer in layers
    }


def test_the_work_for_all_patterns_together_is_bounded_by_its_steps() -> None:
    large = {f"x{i}(a{{900}}){{0,1}}b{{900}}": 4 for i in range(100_000)}
    layers = [f"model.layers.{layer}.mlp.down_proj" for layer in range(2000)]
    assert len(large) * len(layers) * 1000 > MAX_STEPS
    with pytest.raises(ValueError, match="100000 patterns of rank_pattern are too large"):
        values_by_layer(large, layers, "rank_pattern")
