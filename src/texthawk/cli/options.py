"""Options of a command: what numbers they take, and options as settings, where a field is the option of its name."""

import argparse
import math
import re
from dataclasses import fields
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def above_zero(text: str) -> float:
    """A number above 0, as an option's `type`."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return value


def count(text: str) -> int:
    """A whole number from 1 on, as an option's `type`."""
    if not re.fullmatch(r"\d{1,9}", text) or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


Settings = TypeVar("Settings", bound="DataclassInstance")


def settings_of(kind: type[Settings], arguments: argparse.Namespace) -> Settings:
    """The settings that were asked for; every field must be an option of the command."""
    return kind(**{entry.name: vars(arguments)[entry.name] for entry in fields(kind)})
