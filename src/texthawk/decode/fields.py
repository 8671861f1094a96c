"""Several named values at once: the model is asked for one after another, and the JSON is put together of its answers.

A small model that has learned to answer questions gives each value as it is printed, and needs to know nothing of JSON.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from texthawk.decode.asked import Form
from texthawk.decode.grammar import check_choices
from texthawk.model.transcript import NO, YES

MOST = 50  # fields that are asked for one by one
MISSING = object()
"""The value of a field that no answer gives."""
_YES_NO = Form(choices=(YES["en"], NO["en"]))
_AROUND = {
    "type",
    "properties",
    "required",
    "additionalProperties",
    "title",
    "description",
    "$schema",
    "$id",
    "$comment",
}
_NOTES = {"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment"}
_SCALARS = {"string", "number", "integer", "boolean"}
_EXTRACT = re.compile(
    r"\s*extract (?:the )?(?P<names>\w+(?: \w+)?(?:,? and |, )[\w ,]+?) as json\b[^?]*", re.IGNORECASE
)
_NUMBER = re.compile(r"(?:(?<!\w)[-\u2212])?(?:(?<![\w.])\.\d+|\d+(?:[.,'\u2019\s]\d+)*)")


@dataclass(frozen=True)
class Field:
    """A named value: the question that asks for it, the form of the answer (None: as it is printed), and what it becomes.

    kind: "string", "number" or "integer" of what is printed, "boolean" of yes or no, "form" of what keeps the form.
    """

    name: str
    question: str
    kind: str = "string"
    form: Form | None = None
    required: bool = False
    nullable: bool = False

    def value(self, text: str, parsed: Any) -> Any:
        """What an answer says; MISSING where it does not say it. parsed: of an answer that has a form."""
        if self.kind == "form":
            return parsed
        if self.kind == "boolean":
            return text == YES["en"]
        if self.kind == "string":
            return text
        number = number_in(text)
        if number is None or number != int(number):
            return MISSING if number is None or self.kind == "integer" else number
        return int(number)

    @property
    def without(self) -> Any:
        """What stands for a value that is not there; MISSING where the field is left out, or where one must be given."""
        if self.nullable:
            return None
        return "" if self.required and self.kind == "string" else MISSING

    @property
    def forced(self) -> "Field":
        """The same field where a value must be given, whatever is printed."""
        return replace(self, kind="form", form=Form(schema={"type": self.kind}))


def fields_of(question: str, form: Form | None) -> list[Field] | None:
    """The fields that are asked for by a flat schema, or by a question such as "Extract date and total as JSON".

    None where the question is one by itself, and where values depend on one another or have parts.
    """
    if form is None:
        return _named_in(question)
    schema = form.schema
    if not isinstance(schema, dict) or schema.get("type") != "object" or not schema.keys() <= _AROUND:
        return None
    properties, required = schema.get("properties"), schema.get("required", [])
    if not isinstance(properties, dict) or not 0 < len(properties) <= MOST or not set(required) <= properties.keys():
        return None
    own = question if len(properties) == 1 and question.rstrip().endswith("?") else None
    made = [_field(name, inner, name in required, own) for name, inner in properties.items()]
    fields = [field for field in made if field is not None]
    return fields if len(fields) == len(made) else None


def object_of(values: Mapping[str, Any]) -> str:
    """The values that are there as a JSON object."""
    return json.dumps({name: value for name, value in values.items() if value is not MISSING}, ensure_ascii=False)


def number_in(text: str) -> float | None:
    """The number in a text that holds one, as it is printed: with groups of three digits, a point or a comma; else None."""
    found = _NUMBER.findall(text)
    if len(found) != 1:
        return None
    sign = -1 if found[0][0] in "-\u2212" else 1
    whole, *rest = re.split(r"[.,'\u2019\s]", found[0].lstrip("-\u2212"))
    marks = re.findall(r"[.,'\u2019\s]", found[0])
    decimals = ""
    if marks and marks[-1] in ".," and marks[-1] not in marks[:-1]:
        # One comma before three digits parts thousands; one point before them does not.
        if len(rest[-1]) != 3 or marks[-1] == "." or len(set(marks)) > 1:
            decimals = rest.pop()
            marks.pop()
    if len(set(marks)) > 1 or any(len(group) != 3 for group in rest) or (rest and len(whole) > 3):
        return None
    if not decimals:
        return sign * int("".join([whole, *rest]))
    number = float(f"{whole}{''.join(rest)}.{decimals}")
    return sign * number if math.isfinite(number) else None


def _named_in(question: str) -> list[Field] | None:
    match = _EXTRACT.fullmatch(question)
    if match is None:
        return None
    names = [name.strip() for name in re.split(r"(?:,? and |,) *(?:the )?", match["names"], flags=re.IGNORECASE)]
    return [_asked(name) for name in dict.fromkeys(names) if name] if 1 < len(names) <= MOST else None


def _field(name: str, schema: Any, required: bool, own: str | None) -> Field | None:
    """None for a value that has parts, or of which the schema says more than is understood here."""
    if not isinstance(schema, dict):
        return None
    said = schema.get("description")
    question = said if isinstance(said, str) and said.rstrip().endswith("?") else own
    plain = {key: value for key, value in schema.items() if key not in _NOTES}
    nullable = False
    if plain.keys() == {"anyOf"} and isinstance(plain["anyOf"], list):
        others = [option for option in plain["anyOf"] if option != {"type": "null"}]
        nullable = len(others) < len(plain["anyOf"])
        if len(others) != 1 or not isinstance(others[0], dict):
            return None
        plain = {key: value for key, value in others[0].items() if key not in _NOTES}
    types = plain.get("type", "string" if "enum" in plain else None)
    kinds = {types} if isinstance(types, str) else set(types) if isinstance(types, list) else set()
    nullable = nullable or "null" in kinds
    kinds -= {"null"}
    if not kinds or not kinds <= _SCALARS or "$ref" in plain:
        return None
    made = replace(_asked(name, question), required=required, nullable=nullable)
    (kind, *others) = sorted(kinds)
    if plain.keys() == {"type"} and not others:
        return replace(made, kind=kind, form=_YES_NO if kind == "boolean" else None)
    return replace(made, kind="form", form=_choice(plain) or Form(schema=plain))


def _choice(schema: Mapping[str, Any]) -> Form | None:
    """The choice that an enumeration of texts is."""
    listed = schema.get("enum")
    if (
        not schema.keys() <= {"type", "enum"}
        or schema.get("type", "string") != "string"
        or not isinstance(listed, list)
    ):
        return None
    if not all(isinstance(choice, str) for choice in listed):
        return None
    try:
        check_choices(listed)
    except ValueError:
        return None
    return Form(choices=tuple(listed))


def _asked(name: str, question: str | None = None) -> Field:
    return Field(name, question or f"What is the {_as_words(name)}?")


def _as_words(name: str) -> str:
    """A name as one says it: invoice_number and invoiceNumber are "invoice number", and VAT stays."""
    words = re.sub(r"(?<=[a-z\d])(?=[A-Z])|[_\-\s]+", " ", name).split()
    return " ".join(word if word.isupper() and len(word) > 1 else word.lower() for word in words)
