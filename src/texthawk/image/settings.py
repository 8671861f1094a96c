"""Frozen dataclasses of settings as plain data and back: in JSON, a name from a table and the values of the fields."""

from collections.abc import Callable, Iterable, Mapping
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
    values = {name: tuples(value) for name, value in data.items()}
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
    kinds = annotations(type(settings))
    for name, value in asdict(settings).items():
        check_value(f"{type(settings).__name__}.{name}", value, kinds[name], least=-inf if name in besides else 1)


def check_value(name: str, value: Any, kind: Any, *, least: float) -> None:
    """ValueError for a value that is not of the annotated kind, or has a number below `least` or one without end."""
    if not _fits(value, kind):
        rule = (
            f"choose one of {', '.join(get_args(kind))}"
            if get_origin(kind) is Literal
            else f"it must be {_written(kind)}"
        )
        raise ValueError(f"{name} is {value!r}; {rule}")
    numbers = [number for number in (value if isinstance(value, tuple) else (value,)) if type(number) in (int, float)]
    if not all(least <= number < inf for number in numbers):
        raise ValueError(f"{name} is {value!r}; it must be at least {least} and finite")


@cache
def annotations(of: Callable[..., Any]) -> dict[str, Any]:
    """The kinds of a class's fields or a function's arguments."""
    return get_type_hints(of)


def _written(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) and not get_args(kind) else str(kind)


def tuples(value: Any) -> Any:
    """The value with tuples for lists, at any depth, as JSON has no tuples."""
    return tuple(tuples(entry) for entry in value) if isinstance(value, list) else value


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
