"""Settings of every connector and tiling as plain data: what can be comes back, what cannot be is told by name."""

import json
from dataclasses import fields
from typing import Literal, get_args, get_origin, get_type_hints

import pytest

from texthawk.compress import COMPRESSORS, compressor_from_json, compressor_to_json
from texthawk.image.tilings import TILINGS, tiling_from_json, tiling_to_json

WRONG = ("nobody", {"a": 1}, [], ["1"], [1, 2, 3, 4, 5, 6.5], -1, 0.5, float("nan"), float("-inf"), float("inf"))
"""Values in JSON that no field of any table takes."""

TABLES = [
    *((name, kind, compressor_from_json, compressor_to_json) for name, kind in COMPRESSORS.items()),
    *((name, kind, tiling_from_json, tiling_to_json) for name, kind in TILINGS.items()),
]
every = pytest.mark.parametrize(("name", "kind", "read", "write"), TABLES, ids=[name for name, *_ in TABLES])


def written(kind, write):
    return json.loads(json.dumps(write(kind())))


@every
def test_settings_come_back_from_json_as_they_were(name, kind, read, write):
    assert written(kind, write)["type"] == name
    assert read(written(kind, write)) == kind()


@every
def test_a_value_that_a_field_cannot_have_is_refused_with_the_name_of_the_field(name, kind, read, write):
    usual, kinds = written(kind, write), get_type_hints(kind)
    for field in fields(kind):
        wrong = [*WRONG, *([] if type(None) in get_args(kinds[field.name]) else [None])]
        wrong += [] if kinds[field.name] is bool else [True]
        for value in wrong:
            with pytest.raises(ValueError, match=rf"\b{field.name} "):
                read({**usual, field.name: value})


@every
def test_each_of_the_choices_of_a_field_can_be_had_by_name(name, kind, read, write):
    usual = written(kind, write)
    for field, hint in get_type_hints(kind).items():
        if get_origin(hint) is Literal:
            for choice in get_args(hint):
                changed = {**usual, field: choice}
                assert json.loads(json.dumps(write(read(changed)))) == changed


@every
def test_a_field_that_there_is_not_is_refused_with_the_nearest(name, kind, read, write):
    field = fields(kind)[-1].name
    with pytest.raises(ValueError, match=f"{name}'s setting '{field}x' is unknown; nearest: {field}"):
        read({**written(kind, write), f"{field}x": 1})


@pytest.mark.parametrize("read", [compressor_from_json, tiling_from_json])
@pytest.mark.parametrize("kind", [None, 5, "", ["resa"], {"resa": 1}])
def test_a_name_that_is_no_name_is_refused(read, kind):
    with pytest.raises(ValueError, match=r"is unknown; nearest: \w+ \(known: "):
        read({"type": kind})
