"""The shape that a teacher's reply must have: one JSON schema says it to the server and checks what comes back.

Of JSON Schema there is what replies need: objects whose fields are all required, arrays, strings, whole numbers, limits.
"""

import unicodedata
from typing import Any

from texthawk.data.example import plain

Schema = dict[str, Any]

_LIMITS = ("minLength", "maxLength", "minItems", "maxItems")
_NO_TEXT = ("Cc", "Cs")  # control characters, and halves of a pair, which no file in UTF-8 can hold
_TYPES = {"object": dict, "array": list, "string": str, "integer": int}


class Malformed(ValueError):
    """A reply that cannot be used; the message is a reason that many replies may share."""


def text(most: int) -> Schema:
    """A string that says something and has at most so many characters."""
    return {"type": "string", "minLength": 1, "maxLength": most}


def fields(**schemas: Schema) -> Schema:
    """An object with exactly these fields."""
    return {"type": "object", "properties": schemas, "required": list(schemas), "additionalProperties": False}


def items(schema: Schema, least: int, most: int) -> Schema:
    """An array of so many entries."""
    return {"type": "array", "items": schema, "minItems": least, "maxItems": most}


def check(value: Any, schema: Schema, place: str = "the reply") -> None:
    """Raise Malformed unless a value has the shape, limits included; white space alone is an empty text."""
    wanted = _TYPES[schema["type"]]
    if not isinstance(value, wanted) or isinstance(value, bool):
        raise Malformed(f"{place} is no {schema['type']}")
    if isinstance(value, dict):
        for name, inner in schema["properties"].items():
            if name not in value:
                raise Malformed(f"{place} has no field {name!r}")
            check(value[name], inner, name)
        if value.keys() - schema["properties"].keys():
            raise Malformed(f"{place} has fields that were not asked for")
    elif isinstance(value, list):
        if not schema["minItems"] <= len(value) <= schema["maxItems"]:
            raise Malformed(f"{place} has too {'few' if len(value) < schema['minItems'] else 'many'} entries")
        for entry in value:
            check(entry, schema["items"], f"an entry of {place}")
    elif isinstance(value, str):
        if len(plain(value).strip()) < schema["minLength"]:
            raise Malformed(f"{place} is empty")
        if len(value) > schema["maxLength"]:
            raise Malformed(f"{place} is too long")
        if any(unicodedata.category(character) in _NO_TEXT and character not in "\n\t" for character in value):
            raise Malformed(f"{place} holds characters that are no text")


def outline(schema: Schema) -> Schema:
    """The schema without limits, which some servers refuse in what they hold a reply to."""
    kept = {name: value for name, value in schema.items() if name not in _LIMITS}
    if "properties" in kept:
        kept["properties"] = {name: outline(inner) for name, inner in kept["properties"].items()}
    if "items" in kept:
        kept["items"] = outline(kept["items"])
    return kept
