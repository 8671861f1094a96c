"""Closed answers keep their form to the letter, whatever the model would say and however few tokens they may have."""

import functools
import json
from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model import tiny
from texthawk.decode.asked import Form
from texthawk.decode.guard import LoopGuard
from texthawk.decode.reader import Reader
from texthawk.decode.watch import Watch
from texthawk.serve.sampling import Choice, Sampling, next_tokens

pytest.importorskip("llguidance")
ENOUGH = 300


@cache
def reader() -> Reader:
    return Reader(tiny.model(), tiny.processor())


def fits(value, schema) -> bool:
    """Whether a value keeps a schema of the kinds that `schemas` makes; written down from the standard, not from llguidance."""
    if "anyOf" in schema:
        return any(fits(value, one) for one in schema["anyOf"])
    if "enum" in schema:
        return any(type(value) is type(one) and value == one for one in schema["enum"])
    kind = schema.get("type")
    if kind == "object":
        known = schema["properties"]
        return (
            isinstance(value, dict)
            and set(schema["required"]) <= set(value) <= set(known)
            and all(fits(entry, known[name]) for name, entry in value.items())
        )
    if kind == "array":
        least, most = schema.get("minItems", 0), schema.get("maxItems", ENOUGH)
        return isinstance(value, list) and least <= len(value) <= most and all(fits(v, schema["items"]) for v in value)
    if kind == "string":
        return isinstance(value, str) and schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", ENOUGH)
    if kind == "integer":
        low, high = schema.get("minimum", float("-inf")), schema.get("maximum", float("inf"))
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
    return {
        "number": lambda: isinstance(value, int | float) and not isinstance(value, bool),
        "boolean": lambda: isinstance(value, bool),
        "null": lambda: value is None,
    }[kind]()


NAMES = st.text('ab "\\é中{}[]', min_size=1, max_size=4)
LEAVES = st.one_of(
    st.sampled_from([{"type": kind} for kind in ("string", "integer", "number", "boolean", "null")]),
    st.builds(
        lambda low, more: {"type": "string", "minLength": low, "maxLength": low + more}, *[st.integers(0, 9)] * 2
    ),
    st.builds(
        lambda low, more: {"type": "integer", "minimum": low, "maximum": low + more},
        st.integers(-99, 999),
        st.integers(0, 99),
    ),
    st.lists(st.one_of(NAMES, st.integers(-9, 9), st.booleans(), st.none()), min_size=1, max_size=4).map(
        lambda entries: {"enum": entries}
    ),
)


def nested(inner):
    def record(properties, wanted):
        required = [name for name, keep in zip(properties, wanted, strict=False) if keep]
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}

    return st.one_of(
        st.builds(
            record,
            st.dictionaries(NAMES, inner, min_size=1, max_size=4),
            st.lists(st.booleans(), min_size=4, max_size=4),
        ),
        st.builds(
            lambda items, low, more: {"type": "array", "items": items, "minItems": low, "maxItems": low + more},
            inner,
            st.integers(0, 3),
            st.integers(0, 5),
        ),
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.lists(inner, min_size=1, max_size=3).map(lambda several: {"anyOf": several}),
    )


SCHEMAS = st.recursive(LEAVES, nested, max_leaves=6)


def watched(constraint, limit: int, seed: int) -> tuple[str, str]:
    """What a model of pure noise says under a constraint, and why its answer ended."""
    noise, vocabulary = torch.Generator().manual_seed(seed), reader().model.config.text_config.vocab_size
    watch = Watch(lambda: LoopGuard(str), [limit], reader().ends, constraints=[constraint])
    ids = torch.zeros(1, 1, dtype=torch.long)
    for _ in range(limit + 1):
        chosen = watch(ids, 4 * torch.randn(1, vocabulary, generator=noise)).argmax(-1)
        ids = torch.cat([ids, chosen[:, None]], dim=1)
        if int(chosen) in reader().ends:
            break
    watch.finish(ids)
    text = reader().processor.tokenizer.decode(watch.tokens[0], skip_special_tokens=True)
    return text, str(watch.reasons[0])


def least_for(schema) -> int:
    """The fewest tokens for which a constraint can be made."""
    low, high = 1, ENOUGH
    while low < high:
        middle = (low + high) // 2
        try:
            reader().schemas.of_schema(schema, middle)
            high = middle
        except ValueError:
            low = middle + 1
    return low


@settings(max_examples=60, deadline=None)
@given(SCHEMAS, st.integers(0, 40), st.integers(0, 999))
def test_an_answer_is_complete_json_of_its_schema_even_with_the_fewest_tokens(schema, spare, seed):
    limit = least_for(schema) + spare
    text, reason = watched(reader().schemas.of_schema(schema, limit), limit, seed)
    assert reason == "stop" and fits(json.loads(text), schema), text


@settings(max_examples=20, deadline=None)
@given(SCHEMAS, st.integers(0, 30), st.integers(0, 999))
def test_drawn_answers_of_the_server_keep_their_schema_too(schema, spare, seed):
    limit = least_for(schema) + spare
    sampling = Sampling(limit, temperature=1.5, seed=seed)
    choice = Choice(sampling, sampling.generator(), reader().schemas.of_schema(schema, limit))
    noise, ids = torch.Generator().manual_seed(seed), list[int]()
    while not ids or ids[-1] not in reader().ends:
        ids.append(next_tokens(3 * torch.randn(1, 1322, generator=noise), [choice])[0].id)
        assert len(ids) <= limit
    assert fits(json.loads(reader().processor.tokenizer.decode(ids[:-1])), schema)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.text(min_size=1, max_size=12).filter(str.strip), min_size=2, max_size=5, unique=True),
    st.integers(0, 99),
)
def test_an_answer_is_one_of_its_choices_to_the_letter(choices, seed):
    schemas = reader().schemas
    try:
        constraint = schemas.of_choices(choices, 60)
    except ValueError as error:
        assert "no letter or sign" in str(error)
        return
    text, reason = watched(constraint, 60, seed)
    assert text in choices and reason == "stop"


def test_each_choice_can_be_taken():
    choices, taken = ["yes", "no", "not here"], set()
    for seed in range(60):
        taken.add(watched(reader().schemas.of_choices(choices, 20), 20, seed)[0])
    assert taken == set(choices)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "pattern": "^x*y$"},
        {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
        {"type": "string", "format": "date"},
        {"type": "array", "items": {"type": "string"}, "minItems": 12},
        {},
        True,
        {
            "$defs": {
                "node": {
                    "type": "object",
                    "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
                    "required": ["next"],
                }
            },
            "$ref": "#/$defs/node",
        },
        {"type": "number", "minimum": 0.5, "maximum": 0.75},
        {"x-guidance": {"whitespace_flexible": True, "whitespace_pattern": "#*"}, "type": "array", "minItems": 2},
        {"type": "string", "maxLength": 10**9},
        {"type": "string", "pattern": "^(x+x+)+y$"},
        {"type": "integer", "multipleOf": 7, "minimum": 1},
    ],
    ids=lambda schema: str(schema)[:50],
)
def test_patterns_recursion_and_anything_at_all_end_in_time(schema):
    limit = least_for(schema)
    assert limit < 80
    for seed in range(4):
        for spare in (0, 3, 30):
            text, reason = watched(reader().schemas.of_schema(schema, limit + spare), limit + spare, seed)
            json.loads(text)
            assert reason == "stop"


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "no such type"}, "cannot be kept"),
        ({"enum": []}, "cannot be kept"),
        ({"not": {}}, "cannot be kept"),
        ({"$ref": "https://example.org/schema"}, "cannot be kept"),
        ([], "is none"),
        ("text", "is none"),
        (False, "is none"),
        (
            {
                "$defs": {"n": {"type": "object", "properties": {"n": {"$ref": "#/$defs/n"}}, "required": ["n"]}},
                "$ref": "#/$defs/n",
            },
            "allow more tokens",
        ),
        ({"type": "string", "minLength": 500}, "allow more tokens"),
        ({"type": "string", "pattern": "("}, "cannot be kept"),
        ({"type": "string", "pattern": "^(.{0,500}a){50}$"}, "allow more tokens"),
        ({"type": "object", "properties": {f"p{k}": {} for k in range(2000)}}, "items; max is"),
        (functools.reduce(lambda inner, _: {"type": "array", "items": inner}, range(400), {}), "cannot be kept"),
    ],
)
def test_a_form_that_cannot_be_kept_is_refused_with_a_reason(schema, said):
    with pytest.raises(ValueError, match=said):
        reader().schemas.of_schema(schema, 60)


def test_what_an_answer_says_is_json_again_also_where_a_number_is_larger_than_any_float():
    value = Form(schema={"type": "array"}).value("[1e999, -2.5E400, 0.5, 12]")
    assert (
        json.loads(json.dumps(value, allow_nan=False)) == value and value[2:] == [0.5, 12] and value[1] < 0 < value[0]
    )


@pytest.mark.parametrize("choices", [[], ["a"], ["a", "a"], ["a", " "], ["a", "\ud800"], ["a", "b\0"]])
def test_choices_that_are_none_are_refused(choices):
    with pytest.raises(ValueError):
        reader().schemas.of_choices(choices, 60)


def test_the_model_itself_answers_in_the_form_and_each_row_has_its_own():
    made = reader()
    forms = [{"type": "integer"}, {"type": "array", "items": {"type": "boolean"}, "minItems": 2}]
    constraints = [made.schemas.of_schema(forms[0], 12), made.schemas.of_schema(forms[1], 30)]
    pictures = [tiny.picture(70, 130, 3), tiny.picture(60, 60, 1)]
    for answer, form in zip(made.asker.ask(pictures, "What?", [12, 30], constraints=constraints), forms, strict=True):
        assert fits(json.loads(made.processor.tokenizer.decode(answer.tokens)), form)
        assert answer.finish_reason == "stop" and len(answer.tokens) == len(answer.log_probabilities)
