"""Fields of messages as rows of a table."""

from __future__ import annotations

from typing import TypeAlias

import msgspec
import pytest

from floorwire.protocol.json_schema import (
    FieldRow,
    Schema,
    field_rows,
    field_text,
    first_paragraph,
    kind_of,
)

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

PARTS = {"Resume": Schema(type="object", properties={"seq": Schema(type="integer")}, required=("seq",))}


def schema(value: Json) -> Schema:
    return msgspec.convert(value, Schema)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"type": "string"}, "string"),
        ({"enum": ["buy", "sell"]}, '"buy" or "sell"'),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "integer"}]}, "integer or string"),
        ({"type": "array", "items": {"type": "string"}}, "array of string"),
        (
            {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False},
            "array of string, integer",
        ),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "object of string"),
        ({"type": "object", "additionalProperties": False}, "object"),
        ({"$ref": "#/components/schemas/Resume"}, "object"),
        ({}, "any value"),
    ],
)
def test_a_kind_is_said_in_a_few_words(value: Json, kind: str) -> None:
    assert kind_of(schema(value), PARTS) == kind


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"minimum": 1, "maximum": 1000}, "1 to 1000"),
        ({"ge": 0, "le": 10, "default": 5}, "0 to 10; default 5"),
        ({"minimum": 1, "maximum": 2**53}, "at least 1"),
        ({"ge": 0, "le": 2**53, "default": 2**53}, ""),
        ({"description": "a decimal", "default": None}, "a decimal"),
        ({"default": False}, "default false"),
    ],
)
def test_a_field_says_its_range_and_its_default(value: Json, text: str) -> None:
    assert field_text(schema(value)) == text


def test_fields_of_fields_have_rows_with_their_names() -> None:
    message = schema(
        {
            "properties": {
                "resume": {"$ref": "#/components/schemas/Resume"},
                "orders": {"type": "array", "items": {"$ref": "#/components/schemas/Resume"}},
                "pairs": {"type": "array", "items": {"type": "array", "items": {"type": "string"}}},
            },
            "required": ["resume"],
        }
    )
    assert list(field_rows(message, PARTS)) == [
        FieldRow("resume", "object", True, ""),
        FieldRow("resume.seq", "integer", True, ""),
        FieldRow("orders", "array of object", False, ""),
        FieldRow("orders[].seq", "integer", True, ""),
        FieldRow("pairs", "array of array of string", False, ""),
    ]


def test_what_refers_to_itself_ends() -> None:
    tree = schema({"properties": {"child": {"$ref": "#/components/schemas/Tree"}}})
    assert [row.name for row in field_rows(tree, {"Tree": tree})] == [
        "child",
        "child.child",
        "child.child.child",
    ]


def test_the_first_paragraph_is_one_line() -> None:
    assert first_paragraph("Place an\n    order.\n\n    For editors.") == "Place an order."
