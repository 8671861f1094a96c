"""A flat schema is asked field by field, and what comes of the answers keeps it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texthawk.decode.asked import Form
from texthawk.decode.fields import MISSING, MOST, fields_of, number_in, object_of

RECEIPT = {
    "type": "object",
    "title": "Receipt",
    "properties": {
        "company": {"type": "string", "title": "Company"},
        "invoice_number": {"type": ["string", "null"]},
        "totalAmount": {"type": "number"},
        "VAT": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "items": {"type": "integer"},
        "paid": {"type": "boolean", "description": "Was it paid?"},
        "method": {"enum": ["cash", "card"]},
        "day": {"type": "string", "format": "date"},
    },
    "required": ["company", "totalAmount"],
    "additionalProperties": False,
}


def of(schema, question="Give the fields"):
    return fields_of(question, Form(schema=schema))


def test_each_field_has_its_question_and_the_form_of_its_answer():
    fields = {field.name: field for field in of(RECEIPT)}
    assert [fields[name].question for name in ("company", "invoice_number", "totalAmount", "VAT", "paid")] == [
        "What is the company?",
        "What is the invoice number?",
        "What is the total amount?",
        "What is the VAT?",
        "Was it paid?",
    ]
    assert [field.kind for field in fields.values()] == [
        "string",
        "string",
        "number",
        "number",
        "integer",
        "boolean",
        "form",
        "form",
    ]
    assert fields["method"].form.choices == ("cash", "card") and fields["paid"].form.choices == ("yes", "no")
    assert fields["day"].form.schema == {"type": "string", "format": "date"}
    assert [name for name, field in fields.items() if field.form is None] == list(fields)[:5]


def test_a_field_alone_is_asked_for_with_the_person_s_own_question():
    single = {"type": "object", "properties": {"answer": {"type": "string"}}}
    (field,) = of(single, "Who signed the letter?")
    assert field.question == "Who signed the letter?"
    (field,) = of(single, "Fill this in")
    assert field.question == "What is the answer?"


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {"type": "array", "items": {}},
        {"type": "object"},
        {"type": "object", "properties": {}},
        {"type": "object", "properties": {"a": {"type": "object"}}},
        {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string"}}}},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}},
        {"type": "object", "properties": {"a": {}}},
        {"type": "object", "properties": {"a": True}},
        {"type": "object", "properties": {"a": {"type": "string"}}, "minProperties": 1},
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["b"]},
        {"type": "object", "properties": {str(k): {"type": "string"} for k in range(MOST + 1)}},
    ],
)
def test_what_has_parts_or_says_more_is_written_as_a_whole(schema):
    assert of(schema) is None
    assert fields_of("What?", Form(choices=("a", "b"))) is None


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("Extract company, date, address and total as JSON.", ["company", "date", "address", "total"]),
        (
            "Extract issuer, invoice_number and date as JSON (dates as YYYY-MM-DD, amounts as plain numbers).",
            ["issuer", "invoice_number", "date"],
        ),
        ("extract the due date and IBAN as json", ["due date", "IBAN"]),
        ("Extract a, b, and c as JSON", ["a", "b", "c"]),
        ("Extract the date, the time, and the total as JSON", ["date", "time", "total"]),
        ("Extract the key fields of the document as JSON", None),
        ("Extract the total as JSON", None),
        ("What are date and total as JSON?", None),
        ("Extract date and total", None),
    ],
)
def test_a_question_that_names_fields_is_asked_field_by_field(question, names):
    fields = fields_of(question, None)
    assert (None if fields is None else [field.name for field in fields]) == names


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("$1,234.50", 1234.5),
        ("1.234,50 EUR", 1234.5),
        ("1 234 567", 1234567),
        ("1'234.5", 1234.5),
        ("12", 12),
        ("12345678901234567891", 12345678901234567891),
        ("-3,5", -3.5),
        ("\u22127", -7),
        ("1.234", 1.234),
        ("1,234", 1234),
        ("0.005", 0.005),
        ("$.50", 0.5),
        ("-.5", -0.5),
        ("No.50", 50),
        ("Total ...12", 12),
        ("1,234,567", 1234567),
        ("12.03.2019", None),
        ("1.234.567", 1234567),
        ("2 x 9.50", None),
        ("9999,123", None),
        ("INV-12", 12),
        ("none", None),
        ("9" * 400 + ".5", None),
    ],
)
def test_a_printed_number_is_the_number_that_it_says(text, number):
    assert number_in(text) == number


@given(st.text(max_size=40))
def test_whatever_was_answered_the_json_keeps_the_schema(text):
    values = {}
    for field in of(RECEIPT):
        if field.form is None:
            value = field.value(text, None)
            values[field.name] = field.without if value is MISSING else value
    made = json.loads(object_of(values), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert made.keys() <= RECEIPT["properties"].keys() and made["company"] == text
    assert all(isinstance(made[name], int | float) for name in ("totalAmount", "items") if name in made)
    assert made["VAT"] is None or isinstance(made["VAT"], int | float)


def test_what_is_not_there_is_left_out_or_empty_and_a_number_that_must_be_given_is_asked_for_again():
    fields = {field.name: field for field in of(RECEIPT)}
    assert fields["company"].without == "" and fields["invoice_number"].without is None
    assert fields["items"].without is MISSING and fields["totalAmount"].without is MISSING
    assert fields["totalAmount"].forced.form == Form(schema={"type": "number"})
    assert object_of({"a": MISSING, "b": None, "c": "ü\u2028"}) == '{"b": null, "c": "ü\u2028"}'
