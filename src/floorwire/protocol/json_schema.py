"""The part of JSON Schema that OpenAPI and AsyncAPI use here, as types, and its fields as rows of a table."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

import msgspec

Value: TypeAlias = str | int | float | bool | list[str] | dict[str, str] | None

REFERENCE: Final = "#/components/schemas/"
DEEPEST: Final = 3
"""So deep fields of fields have rows of their own. No message here is deeper."""


class Schema(msgspec.Struct, frozen=True):
    """What a value may be. Other keywords are not read."""

    type: str | None = None
    description: str = ""
    enum: tuple[Value, ...] = ()
    default: Value | msgspec.UnsetType = msgspec.UNSET
    properties: dict[str, Schema] = {}
    required: tuple[str, ...] = ()
    items: Schema | bool | None = None
    prefix_items: tuple[Schema, ...] = msgspec.field(default=(), name="prefixItems")
    additional_properties: Schema | bool | None = msgspec.field(default=None, name="additionalProperties")
    any_of: tuple[Schema, ...] = msgspec.field(default=(), name="anyOf")
    reference: str = msgspec.field(default="", name="$ref")
    minimum: int | float | None = None
    maximum: int | float | None = None
    at_least: int | float | None = msgspec.field(default=None, name="ge")
    at_most: int | float | None = msgspec.field(default=None, name="le")


class FieldRow(msgspec.Struct, frozen=True):
    """A field of a message. ``name``: with those around it, as ``resume.seq`` or ``fills[].price``."""

    name: str
    kind: str
    is_required: bool
    text: str


def field_rows(schema: Schema, parts: Mapping[str, Schema]) -> Iterator[FieldRow]:
    """Yield the fields of an object in their order, each followed by its own fields."""
    yield from _rows(schema, parts, "", DEEPEST)


def _rows(schema: Schema, parts: Mapping[str, Schema], prefix: str, depth: int) -> Iterator[FieldRow]:
    for name, found in resolved(schema, parts).properties.items():
        row, value, marks = prefix + name, resolved(found, parts), ""
        is_required = name in resolved(schema, parts).required
        yield FieldRow(row, kind_of(value, parts), is_required, field_text(value))
        while (inner := _element(value)) is not None:
            value, marks = resolved(inner, parts), marks + "[]"
        for option in value.any_of or (value,):
            if depth > 1:
                yield from _rows(option, parts, f"{row}{marks}.", depth - 1)


def resolved(schema: Schema, parts: Mapping[str, Schema]) -> Schema:
    """Return the schema, or the one that it refers to."""
    return parts[schema.reference.removeprefix(REFERENCE)] if schema.reference else schema


def _element(schema: Schema) -> Schema | None:
    return schema.items if schema.type == "array" and isinstance(schema.items, Schema) else None


def kind_of(schema: Schema, parts: Mapping[str, Schema]) -> str:
    """Return in a few words what a value is: ``integer``, ``"buy" or "sell"``, ``array of string``."""
    schema = resolved(schema, parts)
    if schema.any_of:
        return " or ".join(dict.fromkeys(kind_of(option, parts) for option in schema.any_of))
    if schema.enum:
        return " or ".join(msgspec.json.encode(value).decode() for value in schema.enum)
    if schema.prefix_items:
        return "array of " + ", ".join(kind_of(item, parts) for item in schema.prefix_items)
    if element := _element(schema):
        return f"array of {kind_of(element, parts)}"
    if isinstance(schema.additional_properties, Schema):
        return f"object of {kind_of(schema.additional_properties, parts)}"
    return schema.type or "any value"


def field_text(schema: Schema) -> str:
    """Return what a field means, its range and its default, as far as the schema says."""
    said = [first_paragraph(schema.description)] if schema.description else []
    least = schema.minimum if schema.minimum is not None else schema.at_least
    most = schema.maximum if schema.maximum is not None else schema.at_most
    if most is not None and abs(most) < 2**53 - 1:
        said.append(f"{least if least is not None else '…'} to {most}")
    elif least is not None and least > 0:
        said.append(f"at least {least}")
    if schema.default is not msgspec.UNSET and schema.default is not None and _is_short(schema.default):
        said.append(f"default {msgspec.json.encode(schema.default).decode()}")
    return "; ".join(said)


def _is_short(default: Value) -> bool:
    return not (isinstance(default, int) and abs(default) >= 2**53 - 1)


def first_paragraph(text: str) -> str:
    """Return the first paragraph as one line. What follows in a docstring is for those who edit the code."""
    return " ".join(inspect.cleandoc(text).partition("\n\n")[0].split())
