"""Schemas of answers in OpenAPI, made from the types of the messages."""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

from floorwire.protocol.replies import Error
from floorwire.web.http_content import JSON_TYPE, MSGPACK_TYPE

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
Responses: TypeAlias = "dict[int | str, dict[str, Json]]"

METHODS: Final = ("get", "post", "put", "patch", "delete")
OF_FASTAPI: Final = "422"
"""FastAPI says that it answers a malformed request with this, in a form of its own. Here nothing does."""


def gives(kind: type[msgspec.Struct], *others: str) -> Responses:
    """Return the answers of an endpoint that gives a message of this type, in either encoding.

    ``others``: the types of content that it can give in its place.
    """
    schema = schema_of(kind)
    content: Json = {
        JSON_TYPE: {"schema": schema},
        MSGPACK_TYPE: {"schema": schema},
        **{other: {} for other in others},
    }
    summary = (kind.__doc__ or "").splitlines()[0]
    return {200: {"description": summary, "content": content}, 304: {"description": "Not changed"}}


def schema_of(kind: type[msgspec.Struct]) -> Json:
    """Return the schema of a type, whole: without references."""
    (schema,), parts = msgspec.json.schema_components((kind,), ref_template="{name}")
    return _whole(schema, parts)


def _whole(schema: Json, parts: dict[str, Json]) -> Json:
    if isinstance(schema, list):
        return [_whole(item, parts) for item in schema]
    if not isinstance(schema, dict):
        return schema
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return _whole(parts[reference], parts)
    whole = {name: _whole(value, parts) for name, value in schema.items()}
    items = whole.get("prefixItems")
    if isinstance(items, list) and all(item == items[0] for item in items):
        # A pair of equal types says the same as an array of two, which more programs understand.
        del whole["prefixItems"]
        whole["items"] = items[0]
    return whole


def with_errors(document: dict[str, Json]) -> dict[str, Json]:
    """Say in an OpenAPI document that every other answer is an error of the protocol."""
    error: Json = {
        "description": "An error of the protocol; its HTTP status depends on the code",
        "content": {JSON_TYPE: {"schema": schema_of(Error)}},
    }
    text: Json = {"text/plain": {"schema": {"type": "string"}}}
    refused: Json = {"description": "The target or the head is too long", "content": text}
    paths = document["paths"]
    assert isinstance(paths, dict)
    for operations in paths.values():
        assert isinstance(operations, dict)
        for method in METHODS:
            operation = operations.get(method)
            if isinstance(operation, dict) and isinstance(responses := operation["responses"], dict):
                responses.pop(OF_FASTAPI, None)
                responses.setdefault("default", error)
                responses |= {"414": refused, "431": refused}
    return document
