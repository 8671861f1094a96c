"""Frozen dataclasses of settings as plain data and back: in JSON, a name from a table and the values of the fields."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from difflib import get_close_matches
from functools import cache
from math import inf
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Settings = TypeVar("Settings", bound="DataclassInstance")


def settings_to_json(table: Mapping[str, type[Settings]], settings: Settings) -> dict[str, Any]:
    """The values of the settings' fields, and under "type" their name in the table."""
    names = {kind: name for name, kind in table.items()}
    return {"type": names[type(settings)], **asdict(settings)}


def settings_from_json(
    what: str, table: Mapping[str, type[Settings]], data: Mapping[str, Any], usual: str | None = None
) -> Settings:
    """What `settings_to_json` wrote; `usual` is the name where the data have none, `what` tells errors whose table it is.

    ValueError for a name or a field that there is not, with the nearest.
    """
    values = {name: _tuples(value) for name, value in data.items()}
    chosen = values.pop("type", usual)
    kind = table[known(what, chosen, table)]
    for name in values:
        known(f"{chosen}'s setting", name, [entry.name for entry in fields(kind)])
    return kind(**values)


def known(what: str, name: Any, names: Iterable[str]) -> str:
    """The name itself if it is one of these, else a ValueError that tells the nearest and all."""
    choices = list(names)
    if name not in choices:
        nearest = get_close_matches(str(name), choices, n=1, cutoff=0.0)[0]
        raise ValueError(f"{what} {name!r} is unknown; nearest: {nearest} (known: {', '.join(choices)})")
    return name


def check_settings(settings: "DataclassInstance", *, besides: tuple[str, ...] = ()) -> None:
    """ValueError where a value is not what its field is annotated with, or a number, alone or in a tuple, is below 1.

    besides: the fields in which any number may stand.
    """
    kinds = _kinds(type(settings))
    for name, value in asdict(settings).items():
        where = f"{type(settings).__name__}.{name} is {value!r}"
        if not _fits(value, kinds[name]):
            choices = get_args(kinds[name]) if get_origin(kinds[name]) is Literal else ()
            raise ValueError(
                f"{where}; choose one of {', '.join(choices)}" if choices else f"{where}; it must be {kinds[name]}"
            )
        numbers = value if isinstance(value, tuple) else (value,)
        if name not in besides and any(type(n) in (int, float) and not 1 <= n < inf for n in numbers):
            raise ValueError(f"{where}; it must be at least 1")


@cache
def _kinds(settings: type) -> dict[str, Any]:
    return get_type_hints(settings)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(entry) for entry in value) if isinstance(value, list) else value


def _fits(value: Any, kind: Any) -> bool:
    """Whether a value is of the kind that a field's annotation names; an int is a float, a bool is no int."""
    parts = get_args(kind)
    if get_origin(kind) is Literal:
        return value in parts
    if get_origin(kind) in (Union, UnionType):
        return any(_fits(value, part) for part in parts)
    if get_origin(kind) is tuple:
        each = parts[:1] * len(value) if isinstance(value, tuple) and parts[-1] is ... else parts
        return isinstance(value, tuple) and len(value) == len(each) and all(map(_fits, value, each))
    return type(value) in ((int, float) if kind is float else (kind,))
