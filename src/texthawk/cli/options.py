"""Options of a command as settings: a field of the settings is the option of its name."""

import argparse
from dataclasses import fields
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Settings = TypeVar("Settings", bound="DataclassInstance")


def settings_of(kind: type[Settings], arguments: argparse.Namespace) -> Settings:
    """The settings that were asked for; every field must be an option of the command."""
    return kind(**{entry.name: vars(arguments)[entry.name] for entry in fields(kind)})
