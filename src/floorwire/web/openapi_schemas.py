"""Schemas of answers in OpenAPI, made from the types of the messages."""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

from floorwire.protocol.replies import Error, OrderError
from floorwire.web.http_content import JSON_TYPE, MSGPACK_TYPE
from floorwire.web.http_responses import is_about_order
from floorwire.web.table_stream import CSV_TYPE, PARQUET_TYPE

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
Responses: TypeAlias = "dict[int | str, dict[str, Json]]"

FILES: Final[dict[str, Json]] = {
    CSV_TYPE: {"type": "string"},
    PARQUET_TYPE: {"type": "string", "format": "binary"},
}
"""The schemas of answers that are no messages."""
METHODS: Final = ("get", "post", "put", "patch", "delete")
OF_FASTAPI: Final = "422"
"""FastAPI says that it answers a malformed request with this, in a form of its own. Here nothing does."""


def gives(kind: type[msgspec.Struct], *others: str) -> Responses:
    """Return the answers of an endpoint that gives a message of this type, in either encoding.

    ``others``: the types of content that it can give in its place.
    """
    return {
        200: _answer(kind, JSON_TYPE, MSGPACK_TYPE, *others),
        304: {"description": "Not changed"},
    }


def gives_json(kind: type[msgspec.Struct], *others: str, status: int = 200) -> Responses:
    """Return the answer of an endpoint that gives a message of this type as JSON, with this status.

    ``others``: the types of content that it can give in its place.
    """
    return {status: _answer(kind, JSON_TYPE, *others)}


def _answer(kind: type[msgspec.Struct], *types: str) -> dict[str, Json]:
    summary = (kind.__doc__ or "").splitlines()[0]
    message = _without_id(kind)
    content: Json = {of: {"schema": FILES.get(of, message)} for of in types}
    return {"description": summary, "content": content}


def _without_id(kind: type[msgspec.Struct]) -> Json:
    """Return the schema of a message over HTTP: an answer needs no id of its request there."""
    message = schema_of(kind)
    assert isinstance(message, dict)
    properties = message["properties"]
    assert isinstance(properties, dict)
    properties.pop("id", None)
    return message


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
    errors = {kind: _error(kind) for kind in (Error, OrderError)}
    text: Json = {"text/plain": {"schema": {"type": "string"}}}
    refused: Json = {"description": "The target or the head is too long", "content": text}
    paths = document["paths"]
    assert isinstance(paths, dict)
    for path, operations in paths.items():
        assert isinstance(operations, dict)
        for method in METHODS:
            operation = operations.get(method)
            if isinstance(operation, dict) and isinstance(responses := operation["responses"], dict):
                responses.pop(OF_FASTAPI, None)
                kind = OrderError if is_about_order(method.upper(), path) else Error
                responses.setdefault("default", errors[kind])
                responses |= {"414": refused, "431": refused}
    return document


def _error(kind: type[Error]) -> Json:
    return {
        "description": "An error of the protocol; its HTTP status depends on the code",
        "content": {JSON_TYPE: {"schema": _without_id(kind)}},
    }
